"""axe-core looks at our screens in a real browser, and none of them scrolls sideways."""

import json
import os
from datetime import date
from pathlib import Path

from odoo.tests import HttpCase, tagged

from .service_task_common import ServiceTaskCase

# Odoo's own widgets, drawn by Odoo alike in every addon: (rule, where it is broken, why).
CORE = (
    ("aria-required-parent", ".o_notebook_headers a", "a notebook's tabs lie in plain list items"),
    ("aria-allowed-attr", ".o-autocomplete--input, .o_tag", "choosers say aria-selected"),
    ("aria-allowed-attr", ".o_progress", "the progress bar field has values without a role"),
    ("button-name", ".o_button_more", "the button of a phone's further actions is an icon"),
    ("color-contrast", ".o_form_label", "labels of read-only fields are pale on phones"),
)
# Opens each form, waits for what it must show, and lets axe-core look at it.
LOOK = """
(async () => {
    const { action } = odoo.__WOWL_DEBUG__.root.env.services;
    const until = async (selector) => {
        for (let tries = 0; tries < 300; tries++) {
            if (document.querySelector(selector)) {
                return;
            }
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
        throw new Error(`${selector} did not show on ${location.pathname}`);
    };
    await new Promise((onload, onerror) => {
        document.head.append(
            Object.assign(document.createElement("script"), { src: AXE, onload, onerror })
        );
    });
    const found = [];
    for (const page of PAGES) {
        await action.doAction(
            page.action || {
                type: "ir.actions.act_window",
                res_model: page.model,
                res_id: page.id,
                views: [[false, "form"]],
            },
            { clearBreadcrumbs: true }
        );
        const view = page.action ? ".o_billing_start" : ".o_form_view";
        await until(`${view} ${page.shows}`);
        const inner = page.action ? ".o_billing_start_entries" : ".o_form_sheet";
        for (let box = document.querySelector(inner); box; box = box.parentElement) {
            if (box.scrollWidth > box.clientWidth && getComputedStyle(box).overflowX !== "visible") {
                found.push(`${page.name}: ${box.className} scrolls sideways`);
            }
        }
        const { violations } = await axe.run(view);
        for (const { id, impact, nodes } of violations) {
            for (const { target, html, failureSummary } of nodes) {
                const core = CORE.some(
                    ([rule, where]) => rule === id && document.querySelector(target).matches(where)
                );
                if (["serious", "critical"].includes(impact) && !core) {
                    found.push(`${page.name}: ${id}: ${html}\\n${failureSummary}`);
                }
            }
        }
    }
    if (found.length) {
        throw new Error(found.join("\\n"));
    }
    console.log("test successful");
})();
"""


@tagged("post_install", "-at_install")
class TestAccessibility(ServiceTaskCase, HttpCase):
    def setUp(self):
        super().setUp()
        content = Path(os.environ["BILLING_TEST_AXE"]).read_bytes()
        self.axe = self.env["ir.attachment"].create(
            {
                "name": "axe.min.js",
                "raw": content,
                "mimetype": "application/javascript",
                "public": True,
            }
        )
        self.scheme.alignment = "calendar"
        retired = self.make_product("Retired")
        old = self.make_tariff(self.scheme, product_id=retired.id)
        self.order(name="new.example")
        self.active(name="site.example", disk=3)
        self.make_service(self.make_customer("Ms Behind"), old)
        cycle = self.make_cycle(self.scheme)
        retired.active = False
        self.billed = self.make_run(cycle)
        self.billed._execute("posting")
        self.pending = self.make_run(cycle, date(2026, 2, 1))
        self.env["account.payment"].create(
            {"partner_id": self.customer.id, "amount": 12.5, "payment_type": "inbound"}
        ).action_post()

    def pages(self):
        self.confirm_steps(self.pending, self.manager)
        task = self.env["billing.task"].enqueue("run_report", self.billed, {"step": "start"})
        task.write({"state": "running", "attempt_token": "t"})
        task._fail_attempt(ValueError("The file is broken"), 0.5)
        operation = self.ask(self.order(name="asked.example"), "setup")
        bills = self.env["billing.bill"].search([("run_id", "=", self.billed.id)], order="id")
        step = ".o_billing_step[data-step='{}'][data-state='{}']".format
        return [
            ("the run before request", self.pending, step("request", "todo")),
            ("the run after posting", self.billed, step("complete", "waiting")),
            ("a posted bill", bills[0], ".o_data_row"),
            ("a bill in error", bills[1], ".alert-danger"),
            ("a billing task", task, ".o_field_widget[name='log_ids']"),
            ("a service task", operation.service_task_id, "button[name='action_assign_to_me']"),
        ]

    def look(self, size, pages):
        pages = [
            {"name": f"{name} at {size}", "model": record._name, "id": record.id, "shows": shows}
            for name, record, shows in pages
        ]
        pages.append(
            {
                "name": f"the start page at {size}",
                "action": "billing_operations.action_billing_start",
                "shows": "[data-entry='service_tasks'] button",
            }
        )
        self.browser_size = size
        url = f"/web/content/{self.axe.id}/axe.min.js"
        code = LOOK
        for name, value in (("CORE", CORE), ("PAGES", pages), ("AXE", url)):
            code = code.replace(name, json.dumps(value))
        self.browser_js("/odoo", code, "odoo.isReady", login="task_manager", timeout=120)

    def test_no_screen_has_a_serious_violation_on_a_desk(self):
        pages = self.pages()
        self.look("1366x768", pages)
        self.look("1024x768", [page for page in pages if page[1]._name == "billing.run"])

    def test_no_screen_has_a_serious_violation_on_a_phone(self):
        self.look("390x844", self.pages())
