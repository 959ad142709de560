"""axe-core looks at our screens in a real browser, and none of them scrolls sideways."""

from datetime import date

from odoo import models
from odoo.tests import tagged

from .axe_common import AxeCase
from .common import needs_program
from .service_task_common import ServiceTaskCase

# Odoo's own widgets, drawn by Odoo alike in every addon: (rule, where it is broken, why).
CORE = (
    ("aria-required-parent", ".o_notebook_headers a", "a notebook's tabs lie in plain list items"),
    ("aria-allowed-attr", ".o-autocomplete--input, .o_tag", "choosers say aria-selected"),
    ("aria-allowed-attr", ".o_progress", "the progress bar field has values without a role"),
    ("button-name", ".o_button_more", "the button of a phone's further actions is an icon"),
    ("color-contrast", ".o_form_label", "labels of read-only fields are pale on phones"),
    ("label", ".o_list_record_selector input", "a row is chosen by a box without a name"),
    ("button-name", ".o_optional_columns_dropdown button", "more columns are behind an icon"),
)
# Opens each form, waits for what it must show, and lets axe-core look at it.
LOOK = """
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
    for (const page of PAGES) {
        await action.doAction(
            page.action || {
                type: "ir.actions.act_window",
                res_model: page.model,
                res_id: page.id || undefined,
                views: [[false, page.view]],
                context: page.context,
            },
            { clearBreadcrumbs: true }
        );
        const view = page.action ? ".o_billing_start" : `.o_${page.view}_view`;
        await until(`${view} ${page.shows}`);
        const inner = ".o_billing_start_entries, .o_form_sheet, .o_list_renderer, .o_kanban_renderer";
        for (let box = document.querySelector(inner); box; box = box.parentElement) {
            if (box.scrollWidth > box.clientWidth && getComputedStyle(box).overflowX !== "visible") {
                found.push(`${page.name}: ${box.className} scrolls sideways`);
            }
        }
        for (const cell of document.querySelectorAll("th .text-truncate, td, td *")) {
            const hides = getComputedStyle(cell).overflowX !== "visible";
            if (page.view === "list" && hides && cell.scrollWidth > cell.clientWidth + 1) {
                found.push(`${page.name}: "${cell.textContent}" is cut`);
            }
        }
        judge(page, document, await axe.run(page.action ? view : `${view} .o_content`));
    }
"""


@needs_program("npm")
@tagged("post_install", "-at_install")
class TestAccessibility(ServiceTaskCase, AxeCase):
    def setUp(self):
        super().setUp()
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
            {
                "name": f"{name} at {size}",
                "model": record._name,
                "id": record.id,
                "shows": shows,
                "view": view[0] if view else "form",
                "context": {"allowed_company_ids": self.company.ids},
            }
            for name, record, shows, *view in pages
        ]
        if any(page["model"] == "service.task" for page in pages):  # there is one to count
            pages.append(
                {
                    "name": f"the start page at {size}",
                    "action": "billing_operations.action_billing_start",
                    "shows": "[data-entry='service_tasks'] button",
                }
            )
        self.browser_size = size
        options = {"ready": "odoo.isReady", "login": "task_manager", "timeout": 120}
        self.look_at("/odoo", LOOK, CORE, pages, **options)

    def test_no_screen_has_a_serious_violation_on_a_desk(self):
        pages = self.pages()
        self.look("1366x768", pages)
        self.look("1024x768", [page for page in pages if page[1]._name == "billing.run"])

    def test_no_screen_has_a_serious_violation_on_a_phone(self):
        self.look("390x844", self.pages())

    def lists(self, view):
        """The lists of runs, bills and cycles, each with every state there is."""
        self.billed.cycle_id.name = "Telephony, monthly"
        runs = self.billed + self.pending
        for state in ("completed", "completed_with_errors", "failed", "cancelled", "running"):
            run = self.make_run(self.billed.cycle_id, date(2027, 1, 1))
            models.BaseModel.write(run, {"state": state})
            runs += run
        bills = self.env["billing.bill"].search([("run_id", "=", self.billed.id)], limit=1)
        for state in ("pending", "rated", "invoiced", "done", "skipped", "undone"):
            values = {"state": state, "partner_id": self.make_customer(f"Customer {state}").id}
            if state == "skipped":
                values["skip_reason"] = "zero_total"
            bills.copy(values)
        for state in ("draft", "archived"):
            cycle = self.make_cycle(self.scheme, name=f"Cycle {state}")
            cycle._set_state(state)
        row = {"list": ".o_data_row", "kanban": ".o_kanban_record:not(.o_kanban_ghost)"}[view]
        return [
            (f"{model} as {view}", self.env[model], row, view)
            for model in ("billing.run", "billing.bill", "billing.cycle")
        ]

    def test_lists_cut_nothing_and_their_badges_can_be_read_on_a_desk(self):
        self.look("1366x768", self.lists("list"))

    def test_runs_bills_and_cycles_can_be_read_on_a_phone(self):
        self.look("390x844", self.lists("kanban"))
