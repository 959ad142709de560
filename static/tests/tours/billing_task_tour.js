import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

const STATES = ["Pending", "Running", "Completed", "Error", "Failed", "Skipped"];

const openTasks = () => [
    stepUtils.showAppsMenuItem(),
    {
        content: "Open the app",
        trigger: ".o_app[data-menu-xmlid='billing_operations.menu_billing_root']",
        run: "click",
    },
    {
        content: "Open the section",
        trigger: ".o-dropdown[data-menu-xmlid='billing_operations.menu_tasks']",
        run: "click",
    },
    {
        content: "Open the list",
        trigger: ".o-dropdown-item[data-menu-xmlid='billing_operations.menu_billing_task']",
        run: "click",
    },
];

const badge = (state) => `.o_billing_task_state[data-state='${state.toLowerCase()}']`;

const openTask = (name) => ({
    content: `Open the task for ${name}`,
    trigger: `.o_data_row:has(td[name='record_name']:contains('${name}')) td[name='type_id']`,
    run: "click",
});

const backToList = () => [
    {
        content: "Back to the list",
        trigger: ".o_back_button, .breadcrumb-item a",
        run: "click",
    },
    { content: "The list is back", trigger: ".o_list_view .o_billing_task_health" },
];

const isState = (state) => ({
    content: `The task is ${state}`,
    trigger: `.o_form_view ${badge(state)}:contains('${state}')`,
});

registry.category("web_tour.tours").add("billing_task_manager", {
    url: "/odoo",
    steps: () => [
        ...openTasks(),
        ...STATES.map((state) => ({
            content: `${state} is told by its name and an icon`,
            trigger: `.o_list_view ${badge(state)}:contains('${state}'):has(i.fa)`,
        })),
        { content: "Nobody creates tasks", trigger: ".o_list_view:not(:has(.o_list_button_add))" },
        {
            content: "The status line counts the dead",
            trigger: ".o_billing_task_health [data-health='dead'] b:contains('1')",
        },
        {
            content: "A number opens what it counts",
            trigger: ".o_billing_task_health [data-health='failed']",
            run: "click",
        },
        {
            content: "Only failed tasks are listed",
            trigger: `.o_list_view:has(${badge("Failed")}):not(:has(${badge("Pending")}))`,
        },
        openTask("Tour failed"),
        isState("Failed"),
        {
            content: "The reason is readable",
            trigger: ".o_field_widget[name='error_message']:contains('The file is broken')",
        },
        {
            content: "So is the activity log",
            trigger: ".o_field_widget[name='log_ids'] .o_data_row:contains('The file is broken')",
        },
        {
            content: "Parameters are formatted",
            trigger: ".o_billing_json:contains('\"bills\": [1, 2]')",
        },
        {
            content: "The three sections are there",
            trigger:
                ".o_form_view:has(.o_horizontal_separator:contains('Billing Task')):has(.o_horizontal_separator:contains('Task Details')):has(.o_horizontal_separator:contains('System Information'))",
        },
        { content: "Retry", trigger: "button[name='action_retry_now']", run: "click" },
        isState("Pending"),
        {
            content: "The retry is on record",
            trigger: ".o_field_widget[name='log_ids'] .o_data_row:contains('Retry asked for')",
        },
        {
            content: "Change the priority",
            trigger: ".o_statusbar_buttons button:contains('Change Priority')",
            run: "click",
        },
        {
            content: "Type the new one",
            trigger: ".modal .o_field_widget[name='priority'] input",
            run: "edit 3",
        },
        { content: "Apply", trigger: ".modal button[name='action_apply']", run: "click" },
        {
            content: "The priority changed",
            trigger: ".o_form_view:not(:has(.modal)) .o_field_widget[name='priority']:contains('3')",
        },
        { content: "Skip", trigger: "button[name='action_skip']", run: "click" },
        { content: "Confirm", trigger: ".modal-footer .btn-primary", run: "click" },
        isState("Skipped"),
        {
            content: "Open the record it is for",
            trigger: "button[name='action_open_record']",
            run: "click",
        },
        {
            content: "The customer has a button to its tasks",
            trigger: ".o_form_view button[name='action_open_billing_tasks']:contains('1')",
            run: "click",
        },
        {
            content: "It opens them",
            trigger: `.o_list_view .o_data_row:has(td:contains('Tour failed')) ${badge("Skipped")}`,
        },
        ...openTasks(),
        {
            content: "Choose a task in error",
            trigger: `.o_data_row:has(${badge("Error")}) .o_list_record_selector input`,
            run: "click",
        },
        {
            content: "Retry it from the list",
            trigger: ".o_selection_container button[name='action_retry_now']",
            run: "click",
        },
        {
            content: "It waits again, and nothing is chosen any more",
            trigger: `.o_list_view:not(:has(.o_selection_container)) .o_data_row:has(td:contains('Tour error')) ${badge("Pending")}`,
        },
        openTask("Tour running"),
        isState("Running"),
        {
            content: "It is said that nobody works on it",
            trigger: ".alert-warning:contains('No living worker')",
        },
        {
            content: "A running task cannot be retried or skipped",
            trigger:
                ".o_form_view:not(:has(button[name='action_retry_now'])):not(:has(button[name='action_skip']))",
        },
        ...backToList(),
        openTask("Tour completed"),
        isState("Completed"),
        { content: "Its result is shown", trigger: ".o_billing_json:contains('charges')" },
        ...backToList(),
        {
            content: "Choose the completed task",
            trigger: `.o_data_row:has(${badge("Completed")}) .o_list_record_selector input`,
            run: "click",
        },
        {
            content: "Open the actions",
            trigger: ".o_cp_action_menus .dropdown-toggle:contains('Actions')",
            run: "click",
        },
        { content: "Delete", trigger: ".o-dropdown--menu .o_menu_item:contains('Delete')", run: "click" },
        { content: "Confirm", trigger: ".modal-footer .btn-primary", run: "click" },
        {
            content: "It is gone",
            trigger: `.o_list_view:not(:has(.o_data_row td:contains('Tour completed')))`,
        },
        {
            content: "Somebody else skips the waiting task",
            trigger: `.o_data_row:has(td:contains('Tour pending')) ${badge("Pending")}`,
            run: async () => {
                const call = (method, args) =>
                    fetch(`/web/dataset/call_kw/billing.task/${method}`, {
                        method: "POST",
                        headers: { "Content-Type": "application/json" },
                        body: JSON.stringify({
                            jsonrpc: "2.0",
                            method: "call",
                            params: { model: "billing.task", method, args, kwargs: {} },
                        }),
                    }).then(async (response) => (await response.json()).result);
                const ids = await call("search", [[["record_name", "=", "Tour pending"]]]);
                await call("action_skip", [ids]);
            },
        },
        {
            content: "The list shows it by itself",
            trigger: `.o_data_row:has(td:contains('Tour pending')) ${badge("Skipped")}`,
            timeout: 20000,
        },
        { content: "Open the filters", trigger: ".o_searchview_dropdown_toggler", run: "click" },
        {
            content: "What is stuck",
            trigger: ".o_filter_menu .o_menu_item:contains('Stuck')",
            run: "click",
        },
        {
            content: "Only the dead task is",
            trigger: ".o_list_view:has(.o_data_row td:contains('Tour running')):not(:has(td:contains('Tour pending')))",
        },
        {
            content: "By type",
            trigger: ".o_group_by_menu .o_menu_item:contains('Billing Task Type')",
            run: "click",
        },
        { content: "The tasks are grouped", trigger: ".o_group_header:contains('Test')" },
        { content: "The pivot", trigger: ".o_switch_view.o_pivot", run: "click" },
        { content: "It shows durations", trigger: ".o_pivot th:contains('Duration')" },
        { content: "The graph", trigger: ".o_switch_view.o_graph", run: "click" },
        { content: "It is drawn", trigger: ".o_graph_view canvas" },
    ],
});

registry.category("web_tour.tours").add("billing_task_watcher", {
    url: "/odoo",
    steps: () => [
        ...openTasks(),
        openTask("Tour failed"),
        isState("Failed"),
        {
            content: "Who only watches has no buttons",
            trigger:
                ".o_form_view:not(:has(button[name='action_retry_now'])):not(:has(button[name='action_skip']))",
        },
        ...backToList(),
        {
            content: "Choose the failed task",
            trigger: `.o_data_row:has(${badge("Failed")}) .o_list_record_selector input`,
            run: "click",
        },
        {
            content: "Open the actions",
            trigger: ".o_cp_action_menus .dropdown-toggle:contains('Actions')",
            run: "click",
        },
        { content: "Delete", trigger: ".o-dropdown--menu .o_menu_item:contains('Delete')", run: "click" },
        { content: "Confirm", trigger: ".modal-footer .btn-primary", run: "click" },
        {
            content: "It is gone",
            trigger: `.o_list_view:not(:has(.o_data_row td:contains('Tour failed')))`,
        },
    ],
});
