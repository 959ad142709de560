"""Who may do what with every model of the addon, and call which of its methods over RPC.

The table is `access_matrix.txt` beside this file: one line a model and operation or public method,
`y` for who may. A new model or public method without a line fails the test; so does a line that
nothing stands behind. To write the lines as they are now, for reading and committing, run the
test with BILLING_ACCESS_MATRIX_OUT set to a file's name.

A method counts as closed to a person when calling it ends in an AccessError, or in a message that
names who alone may. Dialogs are judged by the right to open them: what they do, they do by the
methods of the models, which have lines of their own.
"""

import inspect
import os
from pathlib import Path

from odoo import models
from odoo.exceptions import AccessError, UserError
from odoo.service.model import call_kw
from odoo.tests import tagged
from odoo.tools import mute_logger

from .every_model import EveryModelCase

PACKAGE = "odoo.addons.billing_operations"
TABLE = Path(__file__).with_name("access_matrix.txt")
OPERATIONS = ("read", "write", "create", "unlink")
PEOPLE = ("member", "non_member", "parent", "user", "manager", "portal", "public")
REFUSALS = ("Only billing ", "Only the members", "You are not allowed")


@tagged("post_install", "-at_install")
class TestAccessMatrix(EveryModelCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        portal = cls.env["res.users"].create(
            {
                "name": "Portal",
                "login": "matrix_portal",
                "group_ids": [(6, 0, cls.env.ref("base.group_portal").ids)],
                "company_id": cls.company.id,
                "company_ids": [(6, 0, cls.company.ids)],
                "partner_id": cls.customer.id,
            }
        )
        public = cls.env.ref("base.public_user")
        public.company_ids += cls.company
        cls.people = dict(
            zip(
                PEOPLE,
                (cls.member, cls.stranger, cls.boss, cls.accountant, cls.manager, portal, public),
                strict=True,
            )
        )
        cls.make_records()

    def test_everybody_may_exactly_what_the_table_says(self):
        self.untried = []
        found = dict(self.rows())
        if out := os.environ.get("BILLING_ACCESS_MATRIX_OUT"):
            Path(out).write_text(self.as_text(found), encoding="utf-8")
        self.assertEqual(self.untried, [], "models without a record to try things on")
        wanted = self.read_table()
        missing = sorted(set(found) - set(wanted))
        self.assertEqual(missing, [], "lines are missing in access_matrix.txt")
        self.assertEqual(sorted(set(wanted) - set(found)), [], "lines without anything behind them")
        wrong = {
            key: {"is": may, "table": wanted[key]}
            for key, may in found.items()
            if may != wanted[key]
        }
        self.assertEqual(wrong, {})

    # === THE TABLE === #

    def read_table(self):
        table = {}
        for line in TABLE.read_text(encoding="utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                model, what, *may = line.split()
                table[model, what] = " ".join(may)
        return table

    def as_text(self, found):
        head = f"# {'model':38} {'operation or method':34} {' '.join(PEOPLE)}"
        lines = [head]
        for (model, what), may in sorted(found.items()):
            cells = " ".join(
                f"{cell:{len(person)}}" for cell, person in zip(may.split(), PEOPLE, strict=True)
            )
            lines.append(f"{model:40} {what:34} {cells.rstrip()}")
        return "\n".join(lines) + "\n"

    # === WHAT IS === #

    def rows(self):
        """((model, what), "y - ...") of everything that there is."""
        for name in sorted(self.env.registry):
            model = self.env[name]
            methods = self.public_methods(model)
            own = model._original_module == "billing_operations"
            if not own and not methods:
                continue
            record = self.record_of(model)
            if not (record or model._abstract or model._transient):
                self.untried.append(name)
            if own and not model._abstract:
                for operation in OPERATIONS:
                    yield (name, operation), self.may_each(record, operation)
            for method in methods:
                yield (name, method), self.may_call_each(record, method)

    def public_methods(self, model):
        """Names of the methods that the addon opens to RPC on a model."""
        found = set()
        for cls in type(model).mro():
            if not cls.__module__.startswith(PACKAGE) or cls.__module__.startswith(
                f"{PACKAGE}.tests"
            ):
                continue
            for name, member in vars(cls).items():
                if not name.startswith("_") and inspect.isfunction(member):
                    found.add(name)
        return sorted(
            name
            for name in found
            if not hasattr(models.BaseModel, name)
            # What other addons open already is theirs.
            and all(
                cls.__module__.startswith(PACKAGE)
                for cls in type(model).mro()
                if inspect.isfunction(vars(cls).get(name))
            )
            and not any(
                getattr(vars(cls).get(name), "_api_private", False) for cls in type(model).mro()
            )
        )

    def may_each(self, record, operation):
        return " ".join(
            "y" if self.may(record.with_user(user), operation) else "-"
            for user in self.people.values()
        )

    def may(self, record, operation):
        if record._transient:
            # Rows of dialogs are their maker's alone: there is none to try things on.
            return record.has_access(operation)
        arguments = {
            "read": [record.ids, ["display_name"]],
            "write": [record.ids, {}],
            "create": [[{}]],
            "unlink": [record.ids],
        }
        return self.is_let_in(record, operation, arguments[operation])

    def may_call_each(self, record, method):
        return " ".join(
            "y" if self.may_call(record.with_user(user), method) else "-"
            for user in self.people.values()
        )

    def may_call(self, record, method):
        if record._transient:
            return record.has_access("create")
        function = getattr(type(record), method)
        arguments = self.arguments(function)
        if not getattr(function, "_api_model", False):
            arguments = [record.ids, *arguments]
        return self.is_let_in(record, method, arguments)

    @mute_logger("odoo.sql_db", "odoo.models", "odoo.addons.base.models.ir_model")
    def is_let_in(self, record, method, arguments):
        """Call a method as a client would, undo it, and return whether rights kept nobody out."""
        context = {"allowed_company_ids": self.company.ids}
        savepoint = self.cr.savepoint()
        # A call of its own finds no values in the cache that another user has read.
        self.env.invalidate_all()
        try:
            call_kw(record.browse(), method, arguments, {"context": context})
            self.env.flush_all()
        except AccessError:
            return False
        except UserError as error:
            return not str(error).startswith(REFUSALS)
        except Exception:  # noqa: BLE001 - it was let in, whatever it then stumbled on
            return True
        finally:
            savepoint.close(rollback=True)
            self.env.invalidate_all(flush=False)
        return True

    def arguments(self, method):
        """Something for every argument that a method cannot do without."""
        samples = {
            "user_id": self.colleague.id,
            "department_id": self.telephony.id,
            "reason": "Reason",
            "type": "suspend",
            "priority": 5,
        }
        required = [
            parameter
            for parameter in list(inspect.signature(method).parameters.values())[1:]
            if parameter.default is inspect.Parameter.empty
            and parameter.kind
            in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        ]
        return [samples.get(parameter.name, "x") for parameter in required]
