import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

const status = (label) => `.o_arrow_button_current:contains('${label}')`;

const make = [
    stepUtils.showAppsMenuItem(),
    {
        content: "Open the app",
        trigger: ".o_app[data-menu-xmlid='billing_operations.menu_billing_root']",
        run: "click",
    },
    {
        content: "Open the section",
        trigger: ".o-dropdown[data-menu-xmlid='billing_operations.menu_billing_runs']",
        run: "click",
    },
    {
        content: "Open the month-ends",
        trigger: ".o-dropdown-item[data-menu-xmlid='billing_operations.menu_billing_closing']",
        run: "click",
    },
    {
        content: "None yet: make one",
        trigger: ".o_list_view:contains('Close a month') .o_list_button_add",
        run: "click",
    },
    {
        content: "It is of last month; count",
        trigger: ".o_form_view:has(.o_field_widget[name='month']) button[name='action_count']",
        run: "click",
    },
    {
        content: "What was earned is known, and nothing is posted",
        trigger: `.o_form_view:has(${status("Draft")}) .o_field_widget[name='accrued_amount']:contains('9.00')`,
    },
];

const look = [
    {
        content: "Look at what is behind it",
        trigger: "button[name='action_open_lines']:contains('1')",
        run: "click",
    },
    {
        content: "Of what kind it is",
        trigger: ".o_group_header:contains('Calls, not charged yet') .o_group_name",
        run: "click",
    },
    {
        content: "On which account",
        trigger: ".o_group_header:eq(1) .o_group_name",
        run: "click",
    },
    {
        content: "Three calls of a customer; open them",
        trigger:
            ".o_data_row:has(td[name='partner_id']:contains('Harbour Office')):has(td[name='call_count']:contains('3')) button[name='action_open_source']",
        run: "click",
    },
    {
        content: "They are there, that of this month is not",
        trigger: ".o_list_view:has(.o_data_row:eq(2)):not(:has(.o_data_row:eq(3))) .o_data_row:eq(0) td[name='state']:contains('Rated')",
    },
    {
        content: "Back to the lines",
        trigger: ".o_back_button",
        run: "click",
    },
    {
        content: "Back to the month-end",
        trigger: ".o_list_view:has(.o_group_header) .o_back_button",
        run: "click",
    },
];

const post = [
    {
        content: "Post it",
        trigger: ".o_form_view button[name='action_ask_post']",
        run: "click",
    },
    {
        content: "It asks first, with its figure",
        trigger: ".modal .o_field_widget[name='text']:contains('9.00')",
    },
    {
        content: "Not yet",
        trigger: ".modal-footer .btn-secondary",
        run: "click",
    },
    {
        content: "It is a draft still; post it",
        trigger: `.o_form_view:not(:has(.modal)):has(${status("Draft")}) button[name='action_ask_post']`,
        run: "click",
    },
    {
        content: "Say yes",
        trigger: ".modal-footer .btn-primary",
        run: "click",
    },
    {
        content: "It is posted, with its items",
        trigger: `.o_form_view:has(${status("Posted")}) .o_field_widget[name='item_ids'] .o_data_row:contains('Accrued')`,
    },
    {
        content: "Open the entries",
        trigger: "button[name='action_open_moves']:contains('2')",
        run: "click",
    },
    {
        content: "The entry and its reversal; open this one",
        trigger:
            ".o_list_view:has(.o_data_row:eq(1)):not(:has(.o_data_row:eq(2))) .o_data_row:contains('Reversal of') td[name='date']",
        run: "click",
    },
    {
        content: "It leads back to its month-end",
        trigger: ".o_form_view button[name='action_open_billing_closing']",
    },
];

registry.category("web_tour.tours").add("billing_closing", {
    url: "/odoo",
    steps: () => [...make, ...look, ...post],
});
