import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

const STATES = ["Pending", "Running", "Completed", "Error", "Failed", "Skipped"];

const original = { open: XMLHttpRequest.prototype.open, send: XMLHttpRequest.prototype.send };

/** Have requests with `method` in their address wait for `milliseconds` before they are sent. */
const slowDown = (method, milliseconds) => {
    XMLHttpRequest.prototype.open = function (verb, url, ...rest) {
        this.isSlow = url.includes(method);
        return original.open.call(this, verb, url, ...rest);
    };
    XMLHttpRequest.prototype.send = function (...body) {
        setTimeout(() => original.send.apply(this, body), this.isSlow ? milliseconds : 0);
    };
};

const atFullSpeed = () => Object.assign(XMLHttpRequest.prototype, original);

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

const select = (name) => ({
    content: `Choose the task for ${name}`,
    trigger: `.o_data_row:has(td[name='record_name']:contains('${name}')) .o_list_record_selector input`,
    run: "click",
});

const listButton = (label) => ({
    content: `${label} from the list`,
    trigger: `.o_selection_container button:contains('${label}')`,
    run: "click",
});

/** Ask to delete the chosen tasks and confirm. */
const deleteChosen = () => [
    {
        content: "Open the actions",
        trigger: ".o_cp_action_menus .dropdown-toggle:contains('Actions')",
        run: "click",
    },
    { content: "Delete", trigger: ".o-dropdown--menu .o_menu_item:contains('Delete')", run: "click" },
    { content: "Confirm", trigger: ".modal-footer .btn-primary", run: "click" },
];

/** Search for a text in one of the fields, look at what is found, and search for nothing again. */
const search = (field, text, shown, hidden) => [
    { content: `Search ${text}`, trigger: ".o_searchview_input", run: `edit ${text}` },
    {
        content: `in ${field}`,
        trigger: `.o_searchview_autocomplete .o-dropdown-item:contains('${field}')`,
        run: "click",
    },
    {
        content: `${shown} is found, ${hidden} is not`,
        trigger: `.o_list_view:has(td:contains('${shown}')):not(:has(td:contains('${hidden}')))`,
    },
    {
        content: "Search for nothing",
        trigger: ".o_searchview_facet:last .o_facet_remove",
        run: "click",
    },
    { content: "All are there", trigger: `.o_list_view:has(td:contains('${hidden}'))` },
];

/** Choose a filter in the open menu, look at what it shows, and take it back. */
const filter = (label, shown, hidden) => [
    { content: label, trigger: `.o_filter_menu .o_menu_item:contains('${label}')`, run: "click" },
    {
        content: `${label}: ${shown || "nothing"}, not ${hidden}`,
        trigger: `.o_list_view${shown ? `:has(td:contains('${shown}'))` : ""}:not(:has(td:contains('${hidden}')))`,
    },
    { content: "Take it back", trigger: `.o_filter_menu .o_menu_item:contains('${label}')`, run: "click" },
    { content: "All are there", trigger: `.o_list_view:has(td:contains('${hidden}'))` },
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
        ...openTasks(),
        {
            content: "So does the time that the oldest due task waits",
            trigger: ".o_billing_task_health [data-health='due']:contains('oldest due')",
            run: "click",
        },
        {
            content: "Only what is due is listed",
            trigger: `.o_list_view:has(${badge("Pending")}):not(:has(${badge("Failed")}))`,
        },
        ...openTasks(),
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
        {
            content: "From now on the server is slow to list tasks",
            trigger: ".o_list_view",
            run: () => slowDown("web_search_read", 1500),
        },
        ...openTasks(),
        {
            content: "Choose the first one that is seen",
            trigger: `.o_data_row:has(td[name='record_name']:contains('Tour error')) .o_list_record_selector input`,
            run: async ({ click }) => {
                await click();
                await new Promise((resolve) => setTimeout(resolve, 2000));
                atFullSpeed();
            },
        },
        listButton("Retry Now"),
        {
            content: "It waits again, and nothing is chosen any more",
            trigger: `.o_list_view:not(:has(.o_selection_container)) .o_data_row:has(td:contains('Tour error')) ${badge("Pending")}`,
        },
        select("Tour error"),
        listButton("Change Priority"),
        {
            content: "Type the new one",
            trigger: ".modal .o_field_widget[name='priority'] input",
            run: "edit 4",
        },
        { content: "Apply", trigger: ".modal button[name='action_apply']", run: "click" },
        {
            content: "The dialog is gone",
            trigger: ".o_list_view:not(:has(.modal)):not(:has(.o_selection_container))",
        },
        select("Tour error"),
        listButton("Skip"),
        {
            content: "It is skipped",
            trigger: `.o_list_view:not(:has(.o_selection_container)) .o_data_row:has(td:contains('Tour error')) ${badge("Skipped")}`,
        },
        select("Tour running"),
        ...deleteChosen(),
        {
            content: "What runs cannot be deleted",
            trigger: ".modal:contains('running task cannot be deleted') .modal-footer .btn-primary",
            run: "click",
        },
        select("Tour running"),
        {
            content: "Nothing is chosen any more",
            trigger: ".o_list_view:not(:has(.o_selection_container)):not(:has(.modal))",
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
        openTask("Tour skipped"),
        isState("Skipped"),
        {
            content: "The later task that does its work is linked",
            trigger: ".o_field_widget[name='superseded_by_id'] a:contains('#')",
            run: "click",
        },
        isState("Pending"),
        ...openTasks(),
        select("Tour completed"),
        ...deleteChosen(),
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
        ...search("Customer", "Tour failed", "Tour failed", "Tour running"),
        ...search("Billing Task Type", "Other work", "Tour skipped", "Tour running"),
        ...search("Task For", "Tour error", "Tour error", "Tour running"),
        { content: "Open the filters", trigger: ".o_searchview_dropdown_toggler", run: "click" },
        ...filter("Requested by Me", "Tour pending", "Tour running"),
        ...filter("Added Today", "Tour pending", "Tour running"),
        ...filter("Running", "Tour running", "Tour pending"),
        ...filter("For Billing Runs", "", "Tour running"),
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
            content: "By type, while the server is slow and the list refreshes itself",
            trigger: ".o_group_by_menu .o_menu_item:contains('Billing Task Type')",
            run: async ({ click }) => {
                slowDown("read_group", 3500);
                await click();
                await new Promise((resolve) => setTimeout(resolve, 4500));
                atFullSpeed();
            },
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
        select("Tour failed"),
        ...deleteChosen(),
        {
            content: "It is gone",
            trigger: `.o_list_view:not(:has(.o_data_row td:contains('Tour failed')))`,
        },
    ],
});

registry.category("web_tour.tours").add("billing_task_of_record", {
    steps: () => [
        {
            content: "The record has a button to its tasks",
            trigger: ".o_form_view button[name='action_open_billing_tasks']:contains('1')",
            run: "click",
        },
        { content: "It opens them", trigger: ".o_list_view:has(.o_billing_task_health) .o_data_row" },
    ],
});

const open = (section, item) => [
    {
        content: "Open the section",
        trigger: `.o-dropdown[data-menu-xmlid='billing_operations.${section}']`,
        run: "click",
    },
    {
        content: "Open the entry",
        trigger: `.o-dropdown-item[data-menu-xmlid='billing_operations.${item}']`,
        run: "click",
    },
];

const workers = (count) => ({
    content: `${count} workers`,
    trigger: ".o_field_widget[name='billing_task_workers'] input",
    run: `edit ${count} && press Tab`,
});

registry.category("web_tour.tours").add("billing_task_administrator", {
    url: "/odoo",
    steps: () => [
        stepUtils.showAppsMenuItem(),
        {
            content: "Open the app",
            trigger: ".o_app[data-menu-xmlid='billing_operations.menu_billing_root']",
            run: "click",
        },
        ...open("menu_configuration", "menu_billing_task_type"),
        {
            content: "Pause a type",
            trigger:
                ".o_data_row:has(td[name='name']:contains('Test test_work')) td[name='active'] input",
            run: "click",
        },
        {
            content: "It is paused",
            trigger:
                ".o_data_row:has(td[name='name']:contains('Test test_work')) td[name='active'] input:not(:checked)",
        },
        ...open("menu_configuration", "menu_billing_settings"),
        workers(0),
        {
            content: "Without workers tasks wait",
            trigger: "#billing_task_warnings .alert:contains('No workers')",
        },
        workers(8),
        {
            content: "The server is too small for eight workers",
            trigger: "#billing_task_warnings .alert:contains('max_cron_threads')",
        },
        workers(9),
        { content: "Save", trigger: ".o_form_button_save", run: "click" },
        {
            content: "Nine are refused",
            trigger: ".modal:contains('between 0 and 8') .modal-footer .btn-primary",
            run: "click",
        },
        workers(3),
        { content: "Save", trigger: ".o_form_button_save", run: "click" },
        {
            content: "Nothing is unsaved any more",
            trigger: ".o_web_client:not(:has(.o_dirty_warning))",
        },
    ],
});
