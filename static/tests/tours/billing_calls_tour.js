import { registry } from "@web/core/registry";

const oneCall = "tbody:not(:has(.o_billing_call ~ .o_billing_call)) .o_billing_call";

registry.category("web_tour.tours").add("billing_portal_calls", {
    url: "/my/invoices",
    steps: () => [
        {
            content: "Open the invoice",
            trigger: ".o_portal_my_doc_table a:contains('INV/')",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "Its calls",
            trigger: "a.o_billing_calls:contains('Calls')",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "Three of them; look for one",
            trigger: ".o_billing_portal_calls:has(.o_billing_calls_total:contains('3')) input[name='search']",
            run: "edit 7700 900 123",
        },
        {
            content: "Search",
            trigger: ".o_billing_portal_calls form button[type='submit']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "It is found",
            trigger: `${oneCall}:contains('+447700900123')`,
        },
        {
            content: "How was it priced?",
            trigger: ".o_billing_call_details summary",
            run: "click",
        },
        {
            content: "Step by step",
            trigger: ".o_billing_call_details details[open] .o_billing_explanation:contains('begins with 447'):contains('a minute = 0.12')",
        },
        {
            content: "The file holds what was searched for",
            trigger: ".o_billing_portal_calls a:contains('CSV')",
            async run({ anchor }) {
                const response = await fetch(anchor.href);
                const lines = (await response.text()).trim().split("\n");
                const name = response.headers.get("Content-Disposition") || "";
                if (!name.includes(".csv") || lines.length !== 2 || !lines[1].includes("+447700900123")) {
                    throw new Error(`Not the file of the one call: ${name} ${lines.join(" | ")}`);
                }
            },
        },
        {
            content: "Back to all",
            trigger: ".o_billing_portal_calls a:contains('Show all')",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "All three",
            trigger: ".o_billing_call ~ .o_billing_call ~ .o_billing_call",
        },
    ],
});

registry.category("web_tour.tours").add("billing_invoice_calls", {
    steps: () => [
        {
            content: "The calls of a line",
            trigger: ".o_field_widget[name='invoice_line_ids'] .o_data_row:contains('Mobile') button[name='action_view_calls']",
            run: "click",
        },
        {
            content: "One call",
            trigger: ".o_list_view .o_data_row td[name='callee']:contains('+447700900123')",
            run: "click",
        },
        {
            content: "What priced it",
            trigger: ".o_form_view .o_billing_explanation:contains('begins with 447'):contains('a minute = 0.12')",
        },
    ],
});
