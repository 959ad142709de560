import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

registry.category("web_tour.tours").add("service_task_close", {
    url: "/odoo",
    steps: () => [
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
            content: "Open the tasks",
            trigger: ".o-dropdown-item[data-menu-xmlid='billing_operations.menu_service_task']",
            run: "click",
        },
        {
            content: "It opens on the department's open tasks",
            trigger: ".o_facet_value:contains(\"My Department's Open Tasks\")",
        },
        {
            content: "Nothing else of billing is offered",
            trigger: ".o_main_navbar:not(:has([data-menu-xmlid='billing_operations.menu_services']))",
        },
        {
            content: "Only the own department's task is there",
            trigger: ".o_list_view:not(:contains('not.yours')) .o_data_row:contains('tour.example')",
        },
        {
            content: "Open it",
            trigger: ".o_data_row td[name='number']",
            run: "click",
        },
        {
            content: "It says what to do",
            trigger: ".o_field_widget[name='description']:contains('Set up the service')",
        },
        {
            content: "And what closing brings from the day that was asked for: 22 days of 31",
            trigger: ".o_field_widget[name='money_effect']:contains('22.00')",
        },
        {
            content: "Take it",
            trigger: "button[name='action_assign_to_me']",
            run: "click",
        },
        {
            content: "It is in progress",
            trigger: ".o_arrow_button_current:contains('In Progress')",
        },
        {
            content: "Choose another day",
            trigger: ".o_field_widget[name='activation_date'] button",
            run: "click",
        },
        {
            content: "A week later",
            trigger: ".o_field_widget[name='activation_date'] input",
            run: "edit 01/17/2026 && press Tab",
        },
        {
            content: "Closing now brings 15 days of 31",
            trigger: ".o_field_widget[name='money_effect']:contains('15.00')",
        },
        {
            content: "Open the settings",
            trigger: ".nav-link[name='settings']",
            run: "click",
        },
        {
            content: "Fill in the domain",
            trigger: ".o_field_property_definition_type, .o_property_field input",
            run: "edit tour.example",
        },
        {
            content: "Add-ons are on a tab of their own",
            trigger: ".nav-link[name='addons']",
            run: "click",
        },
        {
            content: "The opening mail can be read",
            trigger: ".nav-link[name='opening_mail']",
            run: "click",
        },
        {
            content: "It speaks of the service",
            trigger: ".o_field_widget[name='mail_body']:contains('tour.example')",
        },
        {
            content: "Close the task",
            trigger: "button[name='action_close']",
            run: "click",
        },
        {
            content: "Say yes",
            trigger: ".modal-footer .btn-primary",
            run: "click",
        },
        {
            content: "It is done",
            trigger: ".o_arrow_button_current:contains('Done')",
        },
    ],
});
