import { registry } from "@web/core/registry";

const agree = (texts) => [
    {
        content: "It asks first, with its figures",
        trigger: `.modal-body${texts.map((text) => `:contains('${text}')`).join("")}`,
    },
    {
        content: "Say yes",
        trigger: ".modal-footer .btn-primary",
        run: "click",
    },
    {
        content: "The dialog is gone",
        trigger: "body:not(:has(.modal))",
    },
];
const press = (name, content) => ({
    content,
    trigger: `.o_form_view button[name='${name}']:enabled`,
    run: "click",
});

registry.category("web_tour.tours").add("billing_accounting_connect", {
    steps: () => [
        {
            content: "A new connection",
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            content: "What it is called",
            trigger: ".o_field_widget[name='name'] input",
            run: "edit Tour files",
        },
        {
            content: "It writes files; choose what it does",
            trigger: ".o_field_widget[name='kind'] input",
            run: "click",
        },
        {
            content: "CSV files",
            trigger: ".o_select_menu_item:contains('CSV')",
            run: "click",
        },
        {
            content: "There is nothing to log in to",
            trigger: ".o_form_view:has(.o_field_widget[name='decimal_point']):not(:has(.o_field_widget[name='client_id']))",
        },
        press("action_connect", "Use it from now on"),
        {
            content: "It works",
            trigger: ".o_form_view:not(:has(button[name='action_connect'])):has(button[name='action_close'])",
        },
    ],
});

registry.category("web_tour.tours").add("billing_accounting_send_customers", {
    steps: () => [
        {
            content: "One customer is to send",
            trigger: "button[name='action_view_customers']:contains('1')",
        },
        press("action_view_documents", "The list to send"),
        {
            content: "Invoices with their amounts",
            trigger: ".o_list_view:has(.o_data_row:contains('115.00'))",
        },
        {
            content: "Back",
            trigger: ".breadcrumb-item a:contains('Tour files')",
            run: "click",
        },
        press("action_ask_send_customers", "Send the customers"),
        ...agree(["1 customer"]),
    ],
});

registry.category("web_tour.tours").add("billing_accounting_send_invoices", {
    steps: () => [
        press("action_ask_send_invoices", "Send the invoices"),
        ...agree(["Send 2 documents", "172.50"]),
    ],
});

registry.category("web_tour.tours").add("billing_accounting_files", {
    steps: () => [
        press("action_view_files", "The files"),
        {
            content: "One with customers, one with invoices",
            trigger: ".o_list_view:has(.o_data_row:eq(1))",
        },
    ],
});

registry.category("web_tour.tours").add("billing_accounting_duplicates", {
    steps: () => [
        press("action_list_customers", "Look for duplicates"),
        {
            content: "The customers to send",
            trigger: ".o_breadcrumb:contains('Customers to Send')",
        },
    ],
});

registry.category("web_tour.tours").add("billing_accounting_link", {
    steps: () => [
        press("action_view_attention", "What waits for a person"),
        {
            content: "The customer who may be there already",
            trigger: ".o_data_row:contains('Alder Ltd') td[name='partner_id']",
            run: "click",
        },
        {
            content: "Who it may be, and why",
            trigger: ".o_form_view:has(.alert:contains('may be there already')) .o_data_row:contains('Alder of Xero') button[name='action_link']",
            run: "click",
        },
        {
            content: "It is linked",
            trigger: ".o_arrow_button_current:contains('Sent')",
        },
    ],
});

registry.category("web_tour.tours").add("billing_accounting_differences", {
    steps: () => [
        press("action_view_attention", "What waits for a person"),
        {
            content: "The invoice that was voided there",
            trigger: ".o_data_row:contains('Alder Ltd'):contains('oided') td[name='partner_id']",
            run: "click",
        },
        {
            content: "It says how it differs",
            trigger: ".o_form_view .alert:contains('It differs there')",
        },
    ],
});
