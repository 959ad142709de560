import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

const openApp = [
    stepUtils.showAppsMenuItem(),
    {
        content: "Open the app",
        trigger: ".o_app[data-menu-xmlid='billing_operations.menu_billing_root']",
        run: "click",
    },
];
const entry = (code) => `.o_billing_start_entry[data-entry='${code}']`;
const oneRow = ".o_list_view:not(:has(.o_data_row ~ .o_data_row)) .o_data_row";
const back = {
    content: "Back to the start page",
    trigger: ".breadcrumb-item a:contains('Billing'), .o_back_button",
    run: "click",
};

registry.category("web_tour.tours").add("billing_start_page", {
    url: "/odoo",
    steps: () => [
        ...openApp,
        {
            content: "One run waits for its dates, one was stopped after posting",
            trigger: `.o_billing_start:has(${entry("invoiced")}) ${entry("runs_waiting")}:contains('Prepare and request')`,
        },
        {
            content: "The failed task, by keyboard",
            trigger: `${entry("failed_tasks")} button:first`,
            run: ({ anchor }) => anchor.focus(),
        },
        {
            content: "It takes the focus",
            trigger: `${entry("failed_tasks")} button:focus`,
            run: "press Enter",
        },
        {
            content: "The list holds what was counted",
            trigger: `${oneRow} .o_billing_task_state[data-state='failed']`,
        },
        back,
        {
            content: "The bill in error",
            trigger: `${entry("exceptions")} button:first`,
            run: "click",
        },
        {
            content: "One bill",
            trigger: `${oneRow}:contains('Ms Behind')`,
        },
        back,
        {
            content: "What was invoiced",
            trigger: `${entry("invoiced")} td:last-child button:first`,
            run: "click",
        },
        {
            content: "One invoice",
            trigger: `${oneRow}:contains('INV/')`,
        },
    ],
});

registry.category("web_tour.tours").add("billing_start_page_member", {
    url: "/odoo",
    steps: () => [
        ...openApp,
        {
            content: "The department's tasks, and nothing of billing",
            trigger: `.o_billing_start:not(:has(${entry("invoiced")})) ${entry("service_tasks")} button:first`,
            run: "click",
        },
        {
            content: "The open task",
            trigger: ".o_list_view .o_data_row:contains('new.example')",
        },
    ],
});

registry.category("web_tour.tours").add("billing_start_page_empty", {
    url: "/odoo",
    steps: () => [
        ...openApp,
        {
            content: "What to do first",
            trigger: ".o_billing_start_welcome:contains('Nothing is set up yet') button",
            run: "click",
        },
        {
            content: "There they are made",
            trigger: ".o_list_view, .o_view_nocontent",
        },
    ],
});
