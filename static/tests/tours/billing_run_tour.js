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

registry.category("web_tour.tours").add("billing_run_prepare", {
    url: "/odoo",
    steps: () => [
        ...openBilling("menu_billing_runs", "menu_billing_cycle"),
        {
            content: "Open the cycle",
            trigger: ".o_data_row td[name='name']:contains('Tour cycle')",
            run: "click",
        },
        {
            content: "It is active and offers a run",
            trigger: "button[name='action_create_run']",
            run: "click",
        },
        {
            content: "The run has a number and waits",
            trigger: ".o_field_widget[name='number']:contains('BR/')",
        },
        {
            content: "Pending is the state",
            trigger: ".o_arrow_button_current:contains('Pending')",
        },
        {
            content: "Customers lack something; that does not stop the run",
            trigger: ".o_billing_step[data-step='customers'][data-state='attention']",
        },
        {
            content: "The payments were looked at",
            trigger: ".o_billing_step[data-step='payments'] button[name='action_confirm_step']",
            run: "click",
        },
        {
            content: "It says who did",
            trigger: ".o_billing_step[data-step='payments'][data-state='done']:contains('Confirmed by')",
        },
        {
            content: "See what would be billed",
            trigger: ".o_billing_step[data-step='pre_report'] button[name='action_pre_billing_report']",
            run: "click",
        },
        {
            content: "It is made in the background",
            trigger: ".o_billing_step[data-step='pre_report']:contains('being made')",
        },
    ],
});

registry.category("web_tour.tours").add("billing_run_request", {
    steps: () => [
        {
            content: "The report names the customer that cannot be billed",
            trigger: ".o_billing_step[data-step='pre_report']:contains('Not billed: 1')",
        },
        {
            content: "It was looked at",
            trigger: ".o_billing_step[data-step='pre_report'] button[name='action_confirm_step']",
            run: "click",
        },
        {
            content: "Ask for the bills",
            trigger: ".o_billing_step[data-step='request'] button[name='action_request']",
            run: "click",
        },
        {
            content: "Say yes",
            trigger: ".modal-footer .btn-primary",
            run: "click",
        },
        {
            content: "The bills are requested",
            trigger: ".o_arrow_button_current:contains('Requested')",
        },
        {
            content: "Dates are locked",
            trigger: ".o_field_widget[name='invoice_date'].o_readonly_modifier",
        },
    ],
});

registry.category("web_tour.tours").add("billing_run_exceptions", {
    url: "/odoo",
    steps: () => [
        ...openBilling("menu_billing_runs", "menu_billing_run"),
        {
            content: "The run ended with errors",
            trigger: ".o_data_row:contains('Completed with Errors') td[name='number']",
            run: "click",
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
            trigger: "button[name='action_view_exceptions']",
            run: "click",
        },
        {
            content: "The customer, and why",
            trigger: ".o_data_row:contains('Tour customer 2'):contains('archived') td[name='partner_id']",
            run: "click",
        },
        {
            content: "The bill says what to do",
            trigger: ".alert-danger:contains('Unarchive')",
        },
    ],
});

registry.category("web_tour.tours").add("billing_run_again", {
    steps: () => [
        {
            content: "The cause is mended: run those bills again",
            trigger: "button[name='action_run_again']",
            run: "click",
        },
        {
            content: "It is under way",
            trigger: ".o_arrow_button_current:contains('Running')",
        },
    ],
});

registry.category("web_tour.tours").add("billing_run_completed", {
    steps: () => [
        {
            content: "All went well this time",
            trigger: ".o_arrow_button_current:contains('Completed')",
        },
        {
            content: "Nothing is left to mend",
            trigger: ".o_form_view:not(:has(button[name='action_run_again']))",
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
