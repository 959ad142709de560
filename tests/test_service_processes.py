"""What needs transactions of its own: two people at one task, and a module added by an addon."""

from odoo.tests import BaseCase, tagged

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
