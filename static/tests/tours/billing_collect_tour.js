import { registry } from "@web/core/registry";

/** A step of the panel, in a state where one is given. */
const step = (code, state) =>
    `.o_billing_step[data-step='${code}']` + (state ? `[data-state='${state}']` : "");
const status = (label) => `.o_arrow_button_current:contains('${label}')`;

const sayYes = (text) => [
    {
        content: "It asks first, with its figures",
        trigger: `.modal-body:contains('${text}')`,
    },
    {
        content: "Say yes",
        trigger: ".modal-footer .btn-primary",
        run: "click",
    },
];

/** From the panel of a billing run through a payment run and back again. */
const collect = (code, method, total) => [
    {
        content: "Invoices wait to be collected",
        trigger: `.o_billing_next_steps[aria-busy='false'] ${step(code, "todo")} button[name='${method}']`,
        run: "click",
    },
    {
        content: "The payment run shows what it would collect",
        trigger: `.o_field_widget[name='total_amount']:contains('${total}')`,
    },
    {
        content: "Confirm it",
        trigger: "button[name='action_ask_confirm']:enabled",
        run: "click",
    },
    ...sayYes(total),
    {
        content: "It is confirmed",
        trigger: status("Confirmed"),
    },
    {
        content: "Submit it",
        trigger: "button[name='action_ask_submit']:enabled",
        run: "click",
    },
    ...sayYes(total),
    {
        content: "Back to the billing run",
        trigger: ".breadcrumb-item a:contains('BR/'), .o_back_button",
        run: "click",
    },
    {
        content: "The step is done",
        trigger: step(code, "done"),
    },
];

registry.category("web_tour.tours").add("billing_collect_direct_debit", {
    steps: () => collect("collect_direct_debit", "action_collect_direct_debit", "10.00"),
});

registry.category("web_tour.tours").add("billing_collect_card", {
    steps: () => collect("collect_card", "action_collect_card", "20.00"),
});

registry.category("web_tour.tours").add("billing_collect_complete", {
    steps: () => [
        {
            content: "Everything is done",
            trigger: `${step("complete", "done")}:contains('Run Complete')`,
        },
    ],
});
