import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

const status = (label) => `.o_arrow_button_current:contains('${label}')`;

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
];

registry.category("web_tour.tours").add("billing_price_change", {
    steps: () => [
        stepUtils.showAppsMenuItem(),
        {
            content: "Open the app",
            trigger: ".o_app[data-menu-xmlid='billing_operations.menu_billing_root']",
            run: "click",
        },
        {
            content: "What customers buy",
            trigger: ".o-dropdown[data-menu-xmlid='billing_operations.menu_services']",
            run: "click",
        },
        {
            content: "Price changes",
            trigger: ".o-dropdown-item[data-menu-xmlid='billing_operations.menu_billing_price_change']",
            run: "click",
        },
        {
            content: "A new one",
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            content: "What it is called",
            trigger: ".o_field_widget[name='name'] input",
            run: "edit Tour prices",
        },
        {
            content: "From when on",
            trigger: ".o_field_widget[name='date'] input, .o_field_widget[name='date'] button",
            run: "click",
        },
        {
            content: "From the first of January in two years",
            trigger: ".o_field_widget[name='date'] input",
            run: `edit 01/01/${new Date().getFullYear() + 2} && press Tab`,
        },
        {
            content: "By ten percent",
            trigger: ".o_field_widget[name='percent'] input",
            run: "edit 10",
        },
        {
            content: "Of this tariff",
            trigger: ".o_field_widget[name='tariff_ids'] input",
            run: "edit Tour web",
        },
        {
            content: "It is found",
            trigger: ".o-autocomplete--dropdown-item:contains('Tour web')",
            run: "click",
        },
        {
            content: "It is chosen",
            trigger: ".o_field_widget[name='tariff_ids'] .o_tag:contains('Tour web')",
        },
        {
            content: "By customer",
            trigger: "button[name='action_preview']:enabled",
            run: "click",
        },
        {
            content: "What it means to each customer a month",
            trigger: ".o_list_view .o_data_row:contains('Tour customer'):contains('30.00'):contains('33.00'):contains('3.00')",
        },
        {
            content: "Back to the price change",
            trigger: ".breadcrumb-item a:contains('Tour prices')",
            run: "click",
        },
        {
            content: "Schedule it",
            trigger: `.o_form_view:has(${status("Draft")}) button[name='action_ask_schedule']`,
            run: "click",
        },
        ...agree(["1 price of 1 customer", "33.00", "1 customer has no e-mail address"]),
        {
            content: "It is scheduled; not after all",
            trigger: `.o_form_view:has(${status("Scheduled")}) button[name='action_ask_undo']`,
            run: "click",
        },
        ...agree(["The prices stay as they are"]),
        {
            content: "It is undone",
            trigger: status("Undone"),
        },
    ],
});
