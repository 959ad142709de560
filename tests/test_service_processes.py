"""What needs transactions of its own: two people at one task, and a module added by an addon."""

import threading
import time
from collections import Counter

from odoo.tests import BaseCase, tagged

from ..billing_tasks.crash_points import FOLDER_VARIABLE
from .web_receiver import Receiver
from .workers import Database, process_test

SETTING = """
from datetime import date
company = env["res.company"].create({"name": "Two closers"})
env.user.company_ids += company
env = env(context={"allowed_company_ids": company.ids})
product = env["product.product"].create({"name": "Box", "type": "service"})
scheme = env["billing.term.scheme"].create({"name": "M", "company_id": company.id})
tariff = env["billing.tariff"].create(
    {
        "name": "T",
        "company_id": company.id,
        "product_id": product.id,
        "term_scheme_id": scheme.id,
        "currency_id": company.currency_id.id,
        "price": 10,
        "parameter_definition": [{"name": "line", "type": "integer", "string": "Line"}],
    }
)
partner = env["res.partner"].create({"name": "C"})
service = env["billing.service"].create(
    {"name": "box", "partner_id": partner.id, "tariff_id": tariff.id, "company_id": company.id}
)
"""


@process_test
@tagged("post_install", "-at_install")
class TestTwoPeople(BaseCase):
    def test_of_two_people_who_close_at_once_one_wins_and_the_other_is_told(self):
        with Database() as database:
            out = database.script(
                SETTING
                + """
from contextlib import closing
from odoo.exceptions import UserError
from psycopg2.errors import SerializationFailure

service.request_operation("setup")
task = service.service_task_ids
task.action_assign_to_me()
env.cr.commit()

def here(cr):
    return env(cr=cr)["service.task"].browse(task.id)

with (
    closing(env.registry.cursor()) as one,
    closing(env.registry.cursor()) as two,
    closing(env.registry.cursor()) as three,
):
    here(three).state  # the third one's transaction begins before the first closes
    here(one).action_close()
    try:
        here(two).action_close()
    except UserError as error:
        print("TWO:", error)
    two.rollback()
    one.commit()
    try:
        here(three).action_close()
    except SerializationFailure:
        # The server runs such a request again by itself.
        three.rollback()
        try:
            env(cr=three).clear()
            here(three).action_close()
        except UserError as error:
            print("THREE:", error)
env.cr.rollback()
env.invalidate_all()
print("STATE:", service.state, task.state, len(service.operation_ids))
"""
            )
        self.assertIn("TWO: Somebody else is closing or changing this task right now", out)
        self.assertIn("is done already", out)
        self.assertIn("STATE: active done 1", out)


class Panel:
    """The other side: does what it is told after a moment, each key as often as it is sent.

    One key in ten is refused at first with *not now*. It answers questions about a key truly.
    """

    def __init__(self):
        self.done = Counter()
        self.refused = set()
        self.lock = threading.Lock()

    def respond(self, method, key):
        if method == "GET":
            return 200, {"state": "done" if self.done[key] else "not_received"}
        time.sleep(0.04)
        with self.lock:
            if key.endswith("a") and key not in self.refused:
                self.refused.add(key)
                return 503, {"message": "not now"}
            self.done[key] += 1
        # The work is done; the answer takes its time, and may find nobody who waits for it.
        time.sleep(0.04)
        return 200, {"message": "done", "parameters": {"line": 7}}


@process_test
@tagged("post_install", "-at_install")
class TestManyOperations(BaseCase):
    def wait_until_done(self, workers, panel, count):
        def look():
            workers.tend()
            return len(panel.done) >= count

        workers.until(look, 60, f"{count} operations")

    def test_workers_carry_many_operations_out_once_although_some_are_killed(self):
        panel = Panel()
        receiver = Receiver(respond=panel.respond)
        self.addCleanup(receiver.close)
        with Database() as database:
            out = database.script(
                SETTING
                + """
env["ir.config_parameter"].set_param("billing_operations.webhook_allow_private", "True")
tariff.processing_module_id = env["service.processing.module"].create(
    {"name": "Panel", "kind": "webhook", "url": url, "company_id": company.id}
)
env.ref("billing_operations.billing_task_type_service_operation").retry_delay = 0
partner.email = "customer@example.com"
services = service.create(
    [
        {"partner_id": partner.id, "tariff_id": tariff.id, "company_id": company.id}
        for _number in range(200)
    ]
)
env["billing.task"].search([]).unlink()
services.request_operation("setup")
print("COMPANY:", company.id)
env.cr.commit()
""",
                url=receiver.url,
            )
            company = int(out.split("COMPANY:")[1].split()[0])
            folder = database.folder / "crashes"
            folder.mkdir()
            with database.workers(2, {FOLDER_VARIABLE: folder}) as workers:
                # Before the request leaves, after its answer came, and at any moment.
                for reached, point in ((30, "intent"), (70, "called"), (110, None)):
                    self.wait_until_done(workers, panel, reached)
                    if point:
                        (folder / f"service_operation:task.{point}").touch()
                    else:
                        workers.kill_one()
                workers.wait_for(
                    f"""
                    SELECT count(*) = 200 FROM service_operation o
                      JOIN billing_task t ON t.id = o.billing_task_id
                     WHERE o.company_id = {company} AND o.state <> 'processing'
                       AND t.state IN ('completed', 'failed')
                    """,
                    120,
                    each=workers.tend,
                )
            states = database.execute(
                f"""
                SELECT o.state, s.state, t.state, s.parameters ->> 'line', count(*)
                  FROM service_operation o
                  JOIN billing_service s ON s.id = o.service_id
                  JOIN billing_task t ON t.id = o.billing_task_id
                 WHERE o.company_id = {company}
              GROUP BY 1, 2, 3, 4
                """
            )
            mails = database.value(
                """
                SELECT count(*) FROM mail_mail_res_partner_rel r JOIN res_partner p
                    ON p.id = r.res_partner_id AND p.email = 'customer@example.com'
                """
            )
        # Who was told only afterwards, by a question, that it was done, does not know the line.
        self.assertEqual({row[:3] for row in states}, {("done", "active", "completed")})
        self.assertEqual(sum(row[4] for row in states), 200)
        self.assertGreater({row[3]: row[4] for row in states}["7"], 190)
        self.assertEqual((len(panel.done), set(panel.done.values())), (200, {1}))
        self.assertEqual(mails, 200)
        self.assertGreater(len(panel.refused), 0)
        self.assertGreaterEqual(receiver.methods.count("GET"), 2)


@process_test
@tagged("post_install", "-at_install")
class TestAddedModule(BaseCase):
    def test_a_module_added_by_inheritance_carries_operations_out(self):
        with Database(test_addon="there") as database:
            database.odoo("-i", "billing_operations_module_test", "--stop-after-init")
            out = database.script(
                SETTING
                + """
env["ir.config_parameter"]
module = env["service.processing.module"].create(
    {"name": "Ledger", "kind": "ledger", "ledger_file": file, "company_id": company.id}
)
tariff.processing_module_id = module
env.ref("billing_operations.billing_task_type_service_operation").retry_delay = 0
for step in ("setup", "suspend"):
    operation = service.request_operation(step)
    env["billing.task"]._run_inline(domain=[("res_id", "=", operation.id)])
    env.invalidate_all()
    print(step, operation.state, service.state, operation.message)
print("LINE:", service._parameter_values()["line"])
print("LINES:", len(open(file).readlines()))
""",
                file=str(database.folder / "ledger.txt"),
            )
        self.assertIn("setup done active noted", out)
        # The answer was lost, so it was looked up, not written again.
        self.assertIn("suspend done suspended looked up", out)
        self.assertIn("LINE: 7", out)
        self.assertIn("LINES: 2", out)
