import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

const openBilling = (menu, item) => [
    stepUtils.showAppsMenuItem(),
    {
        content: "Open the app",
        trigger: ".o_app[data-menu-xmlid='billing_operations.menu_billing_root']",
        run: "click",
    },
    {
        content: "Open the section",
        trigger: `.o-dropdown[data-menu-xmlid='billing_operations.${menu}']`,
        run: "click",
    },
    {
        content: "Open the list",
        trigger: `.o-dropdown-item[data-menu-xmlid='billing_operations.${item}']`,
        run: "click",
    },
];

/** A step of the panel, in a state where one is given. */
const step = (code, state) =>
    `.o_billing_step[data-step='${code}']` + (state ? `[data-state='${state}']` : "");
/** A button of a step, when the panel has done what was pressed before. */
const button = (code, method) =>
    `.o_billing_next_steps[aria-busy='false'] ${step(code)} button[name='${method}']`;
const status = (label) => `.o_arrow_button_current:contains('${label}')`;

const newRun = (cycle) => [
    ...openBilling("menu_billing_runs", "menu_billing_cycle"),
    {
        content: "Open the cycle",
        trigger: `.o_data_row td[name='name']:contains('${cycle}')`,
        run: "click",
    },
    {
        content: "It is active and offers a run",
        trigger: "button[name='action_create_run']",
        run: "click",
    },
    {
        content: "The run has a number and waits",
        trigger: `.o_form_view:has(${status("Pending")}) .o_field_widget[name='number']:contains('BR/')`,
    },
];
const sayYes = {
    content: "Say yes",
    trigger: ".modal-footer .btn-primary",
    run: "click",
};

registry.category("web_tour.tours").add("billing_run_first_part", {
    url: "/odoo",
    steps: () => [
        ...newRun("Tour cycle"),
        {
            content: "A date is missing",
            trigger: ".o_field_widget[name='transaction_date'] button",
            run: "click",
        },
        {
            content: "Empty it",
            trigger: ".o_field_widget[name='transaction_date'] input",
            run: "clear",
        },
        { content: "Leave it", trigger: ".oe_title", run: "click" },
        { content: "Save", trigger: ".o_form_button_save", run: "click" },
        {
            content: "The panel asks for it, and the rest waits",
            trigger: `.o_billing_next_steps:has(${step("payments", "waiting")}) ${step("dates", "todo")}:contains('Transaction Date')`,
        },
        {
            content: "Set it",
            trigger: ".o_field_widget[name='transaction_date'] input",
            run: "edit 01/01/2026",
        },
        { content: "Leave it", trigger: ".oe_title", run: "click" },
        { content: "Save", trigger: ".o_form_button_save", run: "click" },
        {
            content: "The dates are set; one customer will not come out right",
            trigger: `${step("dates", "attention")}:contains('archived product: 1')`,
        },
        {
            content: "Customers lack something; that does not stop the run",
            trigger: `${step("customers", "attention")} button[name='action_view_customers']:last`,
            run: ({ anchor }) => anchor.focus(),
        },
        {
            content: "It takes the focus",
            trigger: `${step("customers")} button[name='action_view_customers']:focus`,
            run: "press Tab",
        },
        {
            content: "From there the keyboard leads on to the payments",
            trigger: `${button("payments", "action_confirm_step")}:focus`,
            run: "press Enter",
        },
        {
            content: "It says who confirmed them",
            trigger: `${step("payments", "done")}:contains('Confirmed by')`,
        },
        {
            content: "The focus has gone on to what comes next: see what would be billed",
            trigger: `${button("pre_report", "action_pre_billing_report")}:focus`,
            run: "press Enter",
        },
        {
            content: "The report comes by itself and names the customer that cannot be billed",
            trigger: `${step("pre_report")}:contains('Not billed: 1')`,
        },
        {
            content: "It was looked at",
            trigger: button("pre_report", "action_confirm_step"),
            run: "click",
        },
        {
            content: "Ask for the bills by keyboard",
            trigger: `${button("request", "action_request")}:focus`,
            run: "press Enter",
        },
        {
            content: "Say yes",
            trigger: ".modal-footer .btn-primary:focus",
            run: "press Enter",
        },
        {
            content: "The bills are posted by themselves; their PDFs are on their way",
            trigger: `.o_billing_next_steps:has(.o_billing_stage:contains('Posting'):contains('3 / 3')) ${step("production", "todo")}:contains('0 of 2')`,
        },
        {
            content: "Dates are locked",
            trigger: ".o_field_widget[name='invoice_date'].o_readonly_modifier",
        },
        {
            content: "The run ends by itself, with an error",
            trigger: status("Completed with Errors"),
        },
        {
            content: "All PDFs are there",
            trigger: `${step("production", "done")}:contains('2 of 2')`,
        },
        {
            content: "The results are there, stage by stage",
            trigger: ".nav-link[name='results']",
            run: "click",
        },
        {
            content: "Posting counted its documents",
            trigger: ".o_field_widget[name='result_ids'] .o_data_row:contains('Posting'):contains('2')",
        },
        {
            content: "Open the exceptions",
            trigger: "button.oe_stat_button[name='action_view_exceptions']",
            run: "click",
        },
        {
            content: "The customer, and why",
            trigger: ".o_data_row:contains('Tour customer 0'):contains('archived') td[name='partner_id']",
            run: "click",
        },
        {
            content: "The bill says what to do",
            trigger: ".alert-danger:contains('Unarchive')",
        },
    ],
});

registry.category("web_tour.tours").add("billing_run_second_part", {
    steps: () => [
        {
            content: "The cause is fixed: run those bills again",
            trigger: "button[name='action_ask_run_again']",
            run: "click",
        },
        sayYes,
        {
            content: "It is under way",
            trigger: status("Running"),
        },
        {
            content: "All went well this time, by itself",
            trigger: status("Completed"),
        },
        {
            content: "Nothing is left to fix",
            trigger: ".o_form_view:not(:has(button[name='action_ask_run_again']))",
        },
        {
            content: "What was billed is right",
            trigger: button("post_report", "action_confirm_step"),
            run: "click",
        },
        {
            content: "It says who said so",
            trigger: `${step("post_report", "done")}:contains('Confirmed by')`,
        },
        {
            content: "E-mail the bills",
            trigger: `${step("email", "todo")}:contains('2 documents have to be e-mailed') button[name='action_email_bills']`,
            run: "click",
        },
        sayYes,
        {
            content: "They leave by themselves",
            trigger: `${step("email", "done")}:contains('All e-mails are sent: 2')`,
        },
        {
            content: "Bundle what goes by post",
            trigger: button("print", "action_create_bundles"),
            run: "click",
        },
        sayYes,
        {
            content: "The bundle is made by itself",
            trigger: button("print", "action_view_bundles"),
            run: "click",
        },
        {
            content: "Take it",
            trigger: ".o_data_row .o_list_record_selector input",
            run: "click",
        },
        {
            content: "It is printed",
            trigger: "button[name='action_ask_printed']:enabled",
            run: "click",
        },
        sayYes,
        {
            content: "It is marked",
            trigger: ".o_data_row:contains('Printed'), .o_view_nocontent",
        },
        {
            content: "Back to the run",
            trigger: ".breadcrumb-item a:contains('BR/'), .o_back_button",
            run: "click",
        },
        {
            content: "Charges, invoice lines and journal items agree",
            trigger: `${step("print", "done")} ~ ${step("tie_out", "done")}`,
        },
        {
            content: "Everything is done",
            trigger: `${step("complete", "done")}:contains('Run Complete')`,
        },
        {
            content: "Open the invoices",
            trigger: "button[name='action_view_invoices']",
            run: "click",
        },
        {
            content: "All three are posted",
            trigger: ".o_list_view .o_data_row:nth-child(3)",
        },
    ],
});

const signOff = [
    {
        content: "The payments were looked at",
        trigger: button("payments", "action_confirm_step"),
        run: "click",
    },
    {
        content: "The dates are right: somebody says so",
        trigger: ".o_form_statusbar button[name='action_ready']",
        run: "click",
    },
    {
        content: "Ready is the state",
        trigger: status("Ready"),
    },
    {
        content: "The report was made by itself, and was looked at",
        trigger: button("pre_report", "action_confirm_step"),
        run: "click",
    },
    {
        content: "No bills before the approval",
        trigger: `${step("request", "todo")}:not(:has(button[name='action_request'])) button[name='action_approve']`,
        run: "click",
    },
    {
        content: "Approved, for which the report was made again; its numbers are the same",
        trigger: `.o_form_view:has(${status("Approved")}) ${step("pre_report", "done")}`,
    },
    {
        content: "Ask for the bills",
        trigger: button("request", "action_request"),
        run: "click",
    },
    sayYes,
];

registry.category("web_tour.tours").add("billing_run_sign_off", {
    url: "/odoo",
    steps: () => [
        ...newRun("Signed cycle"),
        {
            content: "The first customer goes first, alone",
            trigger: ".nav-link[name='limits']",
            run: "click",
        },
        {
            content: "One",
            trigger: ".o_field_widget[name='canary_count'] input",
            run: "edit 1",
        },
        { content: "Save", trigger: ".o_form_button_save", run: "click" },
        { content: "Saved", trigger: ".o_form_saved, .o_form_view:not(:has(.o_form_button_save:visible))" },
        ...signOff,
        {
            content: "The first customer's bill is wrong: the run stops, nobody else is billed",
            trigger: ".alert-warning:contains('The run has stopped'):contains('Tour customer 0')",
        },
        {
            content: "Go on in spite of it",
            trigger: "button[name='action_ask_continue']",
            run: "click",
        },
        sayYes,
        {
            content: "The others are billed",
            trigger: status("Completed with Errors"),
        },
        {
            content: "It was wrong after all: take it back",
            trigger: "button[name='action_undo']",
            run: "click",
        },
        {
            content: "It says what that means",
            trigger: ".modal .o_field_widget[name='posted_count']:contains('2')",
        },
        {
            content: "And asks why",
            trigger: ".modal .o_field_widget[name='reason'] input",
            run: "edit Wrong price list",
        },
        {
            content: "Take back",
            trigger: ".modal button[name='action_confirm']",
            run: "click",
        },
        {
            content: "Told at once that it is being done",
            trigger: ".o_notification:contains('bills are being taken back')",
        },
        {
            content: "Back on the run, whose panel follows it to its end by itself",
            trigger:
                "body:not(:has(.modal)) .o_billing_stages:contains('3 bills were taken back and are not counted here.')",
        },
    ],
});

registry.category("web_tour.tours").add("billing_run_after_undo", {
    steps: () => [
        {
            content: "The bills were taken back",
            trigger: "button.oe_stat_button[name='action_view_bills']",
            run: "click",
        },
        {
            content: "All of them",
            trigger: ".o_list_view .o_data_row:nth-child(3):contains('Undone')",
        },
        ...newRun("Signed cycle"),
        ...signOff,
        {
            content: "What was taken back is billed",
            trigger: status("Completed"),
        },
        {
            content: "Without errors",
            trigger: "body:not(:has(.alert-warning))",
        },
    ],
});
