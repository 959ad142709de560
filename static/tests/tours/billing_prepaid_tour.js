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
const status = (label) => `.o_arrow_button_current:contains('${label}')`;

const topUp = (amount, balance) => [
    ...openBilling("menu_services", "menu_billing_wallet"),
    {
        content: "Open the customer's wallet",
        trigger: ".o_data_row:contains('Tour prepaid') td[name='number']",
        run: "click",
    },
    {
        content: "The customer pays",
        trigger: "button[name='action_top_up']",
        run: "click",
    },
    {
        content: "So much",
        trigger: ".modal .o_field_widget[name='amount'] input",
        run: `edit ${amount} && press Tab`,
    },
    {
        content: "The dialog says what the wallet will hold",
        trigger: `.modal .o_field_widget[name='balance_after']:contains('${balance}')`,
    },
    {
        content: "Register it",
        trigger: ".modal .modal-footer button[name='action_apply']",
        run: "click",
    },
    {
        content: "It is in the wallet",
        trigger: `.o_form_view:not(:has(.modal)) .o_field_widget[name='balance']:contains('${balance}')`,
    },
];

const runDay = (end) => [
    ...openBilling("menu_billing_runs", "menu_billing_cycle"),
    {
        content: "Open the cycle",
        trigger: ".o_data_row td[name='name']:contains('Tour prepaid cycle')",
        run: "click",
    },
    {
        content: "Make the day's run",
        trigger: "button[name='action_create_run']",
        run: "click",
    },
    {
        content: "It is ready: request it",
        trigger:
            ".o_billing_next_steps[aria-busy='false'] .o_billing_step[data-step='request'] button[name='action_request']",
        run: "click",
    },
    {
        content: "Say yes",
        trigger: ".modal-footer .btn-primary",
        run: "click",
    },
    {
        content: "It ends by itself",
        trigger: status(end),
        timeout: 60000,
    },
];

const closeTask = [
    ...openBilling("menu_tasks", "menu_service_task"),
    {
        content: "Show all departments' tasks",
        trigger: ".o_facet_remove",
        run: "click",
    },
    {
        content: "Open the task",
        trigger: ".o_data_row:contains('Tour phone'):contains('New') td[name='number']",
        run: "click",
    },
    {
        content: "Take it",
        trigger: "button[name='action_assign_to_me']",
        run: "click",
    },
    {
        content: "Do it",
        trigger: `.o_form_view:has(${status("In Progress")}) button[name='action_close']`,
        run: "click",
    },
    {
        content: "Say yes",
        trigger: ".modal-footer .btn-primary",
        run: "click",
    },
    {
        content: "It is done",
        trigger: status("Done"),
    },
];

const serviceIs = (label) => [
    ...openBilling("menu_services", "menu_billing_service"),
    {
        content: "Open the service",
        trigger: ".o_data_row:contains('Tour phone') td[name='number']",
        run: "click",
    },
    {
        content: "It is as it should be",
        trigger: status(label),
    },
];

registry.category("web_tour.tours").add("billing_prepaid", {
    url: "/odoo",
    steps: () => [
        ...topUp("1", "1.00"),
        ...runDay("Failed"),
        ...closeTask,
        ...serviceIs("Suspended"),
        ...topUp("50", "51.00"),
        ...runDay("Completed"),
        ...closeTask,
        ...serviceIs("Active"),
    ],
});
