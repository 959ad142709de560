import { registry } from "@web/core/registry";
import { inputFiles } from "@web/../tests/utils";

const step = (code, state) =>
    `.o_billing_step[data-step='${code}']` + (state ? `[data-state='${state}']` : "");
const button = (code, method) =>
    `.o_billing_next_steps[aria-busy='false'] ${step(code)} button[name='${method}']`;
const status = (label) => `.o_arrow_button_current:contains('${label}')`;
const confirmed = (code) => [
    {
        content: `Confirm ${code}`,
        trigger: button(code, "action_confirm_step"),
        run: "click",
    },
    { content: `${code} is done`, trigger: step(code, "done") },
];

const FILE = [
    "date,caller,callee,seconds,cost,id",
    "2026-01-05 10:00:00,+442079460000,+442079461111,60,0.01,a1",
    "2026-01-06 11:00:00,+442079460009,+447700900123,60,0.05,a2",
    "2026-01-07 12:00:00,+442079460009,+442079461111,120,0.02,a3",
    "",
].join("\n");

registry.category("web_tour.tours").add("billing_cdr_upload", {
    steps: () => [
        {
            content: "Choose a file",
            trigger: ".modal .o_field_widget[name='attachment_ids'] .o_attach",
            async run() {
                await inputFiles(".modal .o_field_widget[name='attachment_ids'] input[type='file']", [
                    new File([FILE], "january.csv", { type: "text/csv" }),
                ]);
            },
        },
        {
            content: "It is taken; upload it",
            trigger: ".modal:has(.o_attachment:contains('january.csv')) button[name='action_upload']",
            run: "click",
        },
        {
            content: "The file is there and has its task; open it",
            trigger: ".o_list_view .o_data_row td[name='name']:contains('january.csv')",
            run: "click",
        },
        { content: "Its form", trigger: ".o_form_view .o_field_widget[name='name']:contains('january.csv')" },
    ],
});

registry.category("web_tour.tours").add("billing_cdr_errors", {
    steps: () => [
        {
            content: "One problem; open it",
            trigger: ".o_group_header:contains('Number not known')",
            run: "click",
        },
        {
            content: "Two calls of a number that nobody has",
            trigger: ".o_data_row:contains('442079460009') td[name='record_count']:contains('2')",
            run: "click",
        },
        {
            content: "Give it to a service",
            trigger: ".o_form_view button[name='action_assign']",
            run: "click",
        },
        {
            content: "The neighbour of the number is proposed",
            trigger: ".modal .o_field_widget[name='suggested_ids'] .o_tag",
        },
        {
            content: "Assign it",
            trigger: ".modal button[name='action_apply']",
            run: "click",
        },
        { content: "The dialog is gone", trigger: "body:not(:has(.modal)) .o_form_view" },
        {
            content: "Once more, to be sure",
            trigger: ".o_form_view button[name='action_reprocess']",
            run: "click",
        },
        { content: "Still the form", trigger: ".o_form_view button[name='action_reprocess']" },
    ],
});

registry.category("web_tour.tours").add("billing_cdr_run", {
    steps: () => [
        {
            content: "The dates are fine",
            trigger: `.o_billing_next_steps ${step("dates", "done")}`,
        },
        ...confirmed("payments"),
        {
            content: "One file came, none is missing",
            trigger: `${step("cdrs")}:contains('processed')`,
        },
        ...confirmed("cdrs"),
        {
            content: "No error is left",
            trigger: `${step("billing_errors")}:contains('Nothing is open')`,
        },
        ...confirmed("billing_errors"),
        {
            content: "See what would be billed",
            trigger: button("pre_report", "action_pre_billing_report"),
            run: "click",
        },
        {
            content: "It was looked at",
            trigger: button("pre_report", "action_confirm_step"),
            run: "click",
        },
        {
            content: "Ask for the bills",
            trigger: button("request", "action_request"),
            run: "click",
        },
        { content: "Say yes", trigger: ".modal-footer .btn-primary", run: "click" },
        { content: "The run ends by itself", trigger: status("Completed") },
    ],
});
