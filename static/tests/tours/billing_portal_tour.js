import { registry } from "@web/core/registry";

const openServices = () => [
    {
        content: "The services, from the portal's first page",
        trigger: ".o_portal_my_home a[href='/my/services']:contains('Your Services')",
        run: "click",
        expectUnloadPage: true,
    },
];
const openService = () => [
    ...openServices(),
    {
        content: "The service",
        trigger: ".o_billing_service a:contains('tour.example')",
        run: "click",
        expectUnloadPage: true,
    },
];
const press = (label) => ({
    content: `Ask to ${label}`,
    trigger: `.o_billing_service_buttons a:contains('${label}')`,
    run: "click",
    expectUnloadPage: true,
});
const check = () => ({
    content: "Go on to what it costs",
    trigger: ".o_billing_request_form button[type='submit']",
    run: "click",
    expectUnloadPage: true,
});
const confirm = (money) => [
    {
        content: "What it brings is shown first",
        trigger: `.o_billing_confirm:contains('${money}')`,
    },
    {
        content: "Yes",
        trigger: ".o_billing_confirm_yes",
        run: "click",
        expectUnloadPage: true,
    },
];
const received = (what) => ({
    content: "It is on the service's page",
    trigger: `.o_portal_my_service:has(.alert-success) .o_billing_service_open:contains('${what}')`,
});

registry.category("web_tour.tours").add("billing_portal_order", {
    url: "/my",
    steps: () => [
        ...openServices(),
        {
            content: "Order",
            trigger: ".o_billing_portal_services a:contains('Order a service')",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "This tariff",
            trigger: ".o_billing_offer:contains('Big') a:contains('Order')",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "What is it called?",
            trigger: "input[name='name']",
            run: "edit tour.example",
        },
        {
            content: "Which domain?",
            trigger: "input[name='parameter_domain']",
            run: "edit tour.example",
        },
        {
            content: "Too many disks",
            trigger: "input[name^='addon_']",
            run: "edit 99",
        },
        check(),
        {
            content: "One message, and what was typed is there; take fewer",
            trigger: ".o_billing_request:has(.alert-danger:contains('5 at most')):has(input[name='name'][value='tour.example']) input[name^='addon_'][value='99']",
            run: "edit 3",
        },
        check(),
        ...confirm("64.00"),
        received("Order"),
    ],
});

registry.category("web_tour.tours").add("billing_portal_change", {
    url: "/my",
    steps: () => [
        ...openService(),
        press("Change"),
        {
            content: "More disks",
            trigger: "input[name^='addon_'][value='3']",
            run: "edit 5",
        },
        check(),
        {
            content: "Look at it again",
            trigger: ".o_billing_confirm button[name='edit']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "What was typed is still there",
            trigger: "input[name^='addon_'][value='5']",
        },
        check(),
        ...confirm("68.00"),
        received("Change"),
    ],
});

registry.category("web_tour.tours").add("billing_portal_suspend", {
    url: "/my",
    steps: () => [
        ...openService(),
        press("Suspend"),
        check(),
        ...confirm("nothing more is billed"),
        received("Suspension"),
        {
            content: "Not after all",
            trigger: ".o_billing_service_open button:contains('Withdraw')",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "It is withdrawn",
            trigger: ".alert-success:contains('withdrawn')",
        },
        press("Suspend"),
        check(),
        ...confirm("nothing more is billed"),
        received("Suspension"),
    ],
});

registry.category("web_tour.tours").add("billing_portal_end", {
    url: "/my",
    steps: () => [
        ...openService(),
        press("End"),
        check(),
        ...confirm("Last day of service"),
        received("End"),
        {
            content: "The end is announced",
            trigger: ".o_billing_service_facts:contains('the last day is')",
        },
    ],
});
