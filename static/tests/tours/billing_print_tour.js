import { download } from "@web/core/network/download";
import { registry } from "@web/core/registry";

const print = [
    {
        content: "The invoice is there: what is downloaded leaves its type on the page",
        trigger: ".o_form_view button[name='action_print_pdf']:visible",
        run: () => {
            const original = download._download;
            download._download = async (options) => {
                await original(options);
                document.body.dataset.downloaded = JSON.parse(options.data.data)[1];
            };
        },
    },
    {
        content: "Print",
        trigger: ".o_form_view button[name='action_print_pdf']:visible",
        run: "click",
    },
];

registry.category("web_tour.tours").add("billing_print_bill", {
    steps: () => [
        ...print,
        {
            content: "It is printed: nothing is said, and the invoice stays where it was",
            trigger:
                "body[data-downloaded='qweb-pdf']:not(:has(.o_blockUI, .o_notification)) .o_form_view",
        },
    ],
});

registry.category("web_tour.tours").add("billing_print_other", {
    steps: () => [
        ...print,
        {
            content: "Odoo says what is missing",
            trigger: ".o_notification:contains('Wkhtmltopdf')",
        },
        {
            content: "Odoo shows it as a page",
            trigger: ".o_action iframe",
        },
    ],
});
