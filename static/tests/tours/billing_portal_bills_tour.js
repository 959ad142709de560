import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("billing_portal_bills", {
    url: "/my/home",
    steps: () => [
        {
            content: "Home leads to the bills",
            trigger: ".o_portal_index_card:not(.d-none) a[href='/my/bills']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "Two bills are open",
            trigger: ".o_billing_account:contains('2 open invoices') a.o_billing_pay_all",
        },
        {
            content: "Open the last bill",
            trigger: ".o_billing_bill:first a",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "What was owed and what is owed",
            trigger: ".o_billing_balances:contains('Opening balance'):contains('Closing balance')",
        },
        {
            content: "Its PDF is the one that was delivered",
            trigger: ".o_billing_file:contains('.pdf')",
            async run({ anchor }) {
                const response = await fetch(anchor.href);
                const text = await response.text();
                if (!response.ok || !text.startsWith("%PDF")) {
                    throw new Error(`Not a PDF: ${response.status} ${text.slice(0, 80)}`);
                }
            },
        },
        {
            content: "Its calls",
            trigger: "a.o_billing_calls",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "Look for mobile calls",
            trigger: ".o_billing_portal_calls input[name='search']",
            run: "edit mobile",
        },
        {
            content: "Search",
            trigger: ".o_billing_portal_calls form button[type='submit']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "One call is found; the file holds it alone",
            trigger: ".o_billing_portal_calls:has(.o_billing_calls_total:contains('1 call')) a:contains('CSV')",
            async run({ anchor }) {
                const response = await fetch(anchor.href);
                const lines = (await response.text()).trim().split("\n");
                if (lines.length !== 2 || !lines[1].includes("+447700900123")) {
                    throw new Error(`Not the file of the one call: ${lines.join(" | ")}`);
                }
            },
        },
        {
            content: "Back to the bills",
            trigger: ".o_portal_submenu a[title='Home']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "Again to the bills",
            trigger: ".o_portal_index_card:not(.d-none) a[href='/my/bills']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "Pay all that is open",
            trigger: "a.o_billing_pay_all",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "With the saved card",
            trigger: ".o_billing_pay_page form#o_payment_form input[name='o_payment_radio'][data-payment-option-type='token']:checked",
        },
        {
            content: "Pay",
            trigger: "button[name='o_payment_submit_button']:enabled",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "Paid, or being processed",
            trigger: ".o_billing_portal_bill .o_billing_standing:contains('Pa')",
        },
    ],
});

registry.category("web_tour.tours").add("billing_portal_mandate", {
    url: "/my/home",
    steps: () => [
        {
            content: "Home leads to direct debits",
            trigger: ".o_portal_index_card:not(.d-none) a[href='/my/mandates']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "The mandate that debits the bills",
            trigger: ".o_billing_mandate:contains('are debited with it') a:first",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "Revoke it",
            trigger: "button.o_billing_revoke",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "It asks first",
            trigger: ".alert:contains('Nothing is being collected') button.o_billing_revoke_confirm",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "It is revoked",
            trigger: ".o_billing_revoked:contains('You have revoked this mandate')",
        },
    ],
});

const card = (address) => ({
    content: `Home leads to ${address}`,
    trigger: `.o_portal_index_card:not(.d-none) a[href='${address}']`,
    run: "click",
    expectUnloadPage: true,
});
const home = () => ({
    content: "Back to the first page",
    trigger: ".o_portal_submenu a[title='Home']",
    run: "click",
    expectUnloadPage: true,
});

registry.category("web_tour.tours").add("billing_portal_walk", {
    url: "/my/home",
    steps: () => [
        card("/my/services"),
        {
            content: "What it costs next",
            trigger: ".o_billing_service:contains('10.00') a:first",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "Its next charge",
            trigger: ".o_billing_next_charge:contains('10.00')",
        },
        home(),
        card("/my/wallets"),
        {
            content: "The only balance, with each movement",
            trigger: ".o_portal_my_wallet:contains('12.34'):contains('Goodwill')",
        },
        home(),
        card("/my/mandates"),
        {
            content: "The mandate and the saved card",
            trigger: ".o_billing_portal_mandates:has(.o_billing_mandate:contains('Active')) .o_billing_card:contains('4111')",
        },
    ],
});
