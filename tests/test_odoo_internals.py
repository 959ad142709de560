"""What the addon relies on in Odoo and nobody has promised: `docs/odoo-internals.md` is the list.

Every name of the list must be there, take the arguments that it took, and where our code stands in
the place of Odoo's, have the code that it had. What it had is in `odoo_internals.txt` beside this
file. The code is scanned too: a private name of Odoo without a row in the list fails."""

import ast
import hashlib
import inspect
import os
import re
import signal
import threading
from collections import deque
from importlib import import_module
from pathlib import Path
from unittest.mock import Mock, patch

from odoo import sql_db
from odoo.service import server
from odoo.tests import TransactionCase, tagged
from odoo.tools import config
from odoo.tools.misc import Callbacks

from ..billing_runs.closing import places as closing_places
from ..billing_runs.invoicing import addressees, fiscal_positions, guards
from ..billing_tasks import server_limits
from ..billing_tasks.worker import _no_commit
from . import architecture

ROOT = Path(__file__).parent.parent
LIST = ROOT / "docs" / "odoo-internals.md"
READ = Path(__file__).with_name("odoo_internals.txt")
#: the addons whose code was read; others that change a listed method are seen by the guards
ADDONS = (
    "base", "web", "mail", "product", "uom", "analytic", "account", "portal", "account_payment",
    "account_edi_ubl_cii", "payment",
)  # fmt: skip
#: underscore names that Odoo's own documentation and every addon use
ORDINARY = {
    "_abstract", "_check_company_domain", "_convert", "_description_selection",
    "_description_string", "_fields", "_filtered_access", "_for_xml_id", "_get", "_ids",
    "_is_public", "_is_superuser", "_message_log", "_message_log_batch", "_origin", "_read_group",
    "_table", "_trigger",
}  # fmt: skip
#: of Python itself: named tuples
OURS = {"_asdict", "_replace"}


def rows():
    """[(places, names, check)] of the list."""
    found = []
    for line in LIST.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
        if len(cells) == 4 and cells[0].startswith("`"):
            places, names = (re.findall(r"`([^`]+)`", cell) for cell in cells[:2])
            found.append((places, names, cells[3].strip("`")))
    return found


def arguments_of(function):
    """The arguments of a function, without their types."""
    arguments = []
    for parameter in inspect.signature(function).parameters.values():
        star = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}
        text = star.get(parameter.kind, "") + parameter.name
        if parameter.kind == parameter.KEYWORD_ONLY:
            text = f"/{text}"
        if parameter.default is not parameter.empty:
            text += f"={parameter.default!r}"
        arguments.append(text)
    return "(" + ",".join(arguments).replace(" ", "") + ")"


def digest_of(functions):
    """A digest of the code of functions, whatever its comments and blank lines."""
    lines = []
    for function in functions:
        for line in inspect.getsource(inspect.unwrap(function)).splitlines():
            line = line.strip()
            if line and not line.startswith("#"):
                lines.append(line)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


@tagged("post_install", "-at_install")
class TestOdooInternals(TransactionCase):
    # The list

    def test_what_the_list_names_is_as_it_was_read(self):
        wanted = self.read_lines()
        found, problems = {}, []
        for places, names, check in rows():
            if check not in ("arguments", "source"):
                continue
            for name in names:
                for full in self.expand(name):
                    try:
                        found[full] = self.facts(full, check)
                    except (AttributeError, KeyError, ImportError, IndexError):
                        problems.append(f"{full} is gone: {', '.join(places)} relies on it.")
                        continue
                    if full in wanted and wanted[full] != found[full]:
                        problems.append(
                            f"{full} has changed (was {wanted[full]}, is {found[full]}): read what"
                            f" Odoo changed and adapt {', '.join(places)}."
                        )
        if out := os.environ.get("BILLING_ODOO_INTERNALS_OUT"):
            lines = [f"{name} {facts}\n" for name, facts in sorted(found.items())]
            Path(out).write_text("".join(lines), encoding="utf-8")
        self.assertEqual(problems, [], f"Odoo has changed. What to do is said in {LIST.name}.")
        self.assertEqual(sorted(found.keys() ^ wanted.keys()), [], f"write {READ.name} anew")

    def test_every_row_names_places_that_reach_there_and_a_check_that_exists(self):
        listed = rows()
        self.assertGreater(len(listed), 30)
        for places, names, check in listed:
            self.assertTrue(names)
            self.assertTrue(check in ("arguments", "source") or hasattr(self, check), check)
            for place in places:
                self.assertTrue((ROOT / place).is_file(), place)
            text = "".join((ROOT / place).read_text(encoding="utf-8") for place in places)
            last = [name.rpartition(".")[2] for name in names]
            if check in ("arguments", "source"):
                self.assertTrue(any(name in text for name in last), (places, names))

    def test_the_number_stands_in_a_group_of_the_fixed_format(self):
        pattern = self.env["account.move"]._sequence_fixed_regex
        self.assertEqual(re.match(pattern, "INV/2026/00042")["seq"], "00042")

    def test_nothing_private_of_odoo_is_used_without_a_row(self):
        known = {full.rpartition(".")[2] for _places, names, _check in rows() for name in names
                 for full in self.expand(name)}  # fmt: skip
        used = self.private_names()
        missing = {name: where for name, where in used.items() if name not in known | ORDINARY}
        self.assertEqual(missing, {}, f"private names of Odoo without a row in {LIST.name}")
        self.assertEqual(sorted(ORDINARY - used.keys()), [])

    def test_a_listed_method_that_odoo_changes_is_found(self):
        def _get_violated_lock_dates(self, accounting_date):
            """Of another Odoo."""

        name = "res.company._get_violated_lock_dates"
        with patch.object(self, "functions", lambda name: [_get_violated_lock_dates]):
            self.assertNotEqual(self.facts(name, "arguments"), self.read_lines()[name])
        with self.assertRaises(IndexError):
            self.facts("res.company._not_there_any_more", "arguments")

    def read_lines(self):
        lines = READ.read_text(encoding="utf-8").splitlines()
        return dict(line.split(" ", 1) for line in lines if line.strip())

    def expand(self, name):
        """The methods behind a name of the list: a table of the guards stands for many."""
        tables = {
            "PREPARED_METHODS": guards.PREPARED_METHODS,
            "NUMBERING": guards.NUMBERING,
            "POSTING": guards.POSTING,
            "TAX_ARITHMETIC": guards.TAX_ARITHMETIC,
            "PRICE_ON_TAXES": guards.PRICE_ON_TAXES,
            "TERMS": guards.TERMS,
        }
        if name not in tables:
            return [name]
        return [
            f"{model}.{method}"
            for model, methods in tables[name].items()
            for method in methods.split()
        ]

    def facts(self, name, check):
        functions = self.functions(name)
        facts = arguments_of(functions[0]) if callable(functions[0]) else "-"
        return f"{facts} {digest_of(functions)}" if check == "source" else facts

    def functions(self, name):
        """The functions behind a dotted name, the one that is called first in front.

        Of a model these are all definitions by the addons that were read."""
        owner, _dot, attribute = name.rpartition(".")
        if owner.startswith("odoo."):
            module, _dot, cls = owner.rpartition(".")
            member = inspect.getattr_static(getattr(import_module(module), cls), attribute)
            if isinstance(member, property):
                member = member.fget
            return [getattr(member, "__func__", member)]
        found = [
            vars(cls)[attribute]
            for cls in type(self.env[owner]).mro()
            if getattr(cls, "_module", None) in ADDONS and attribute in vars(cls)
        ]
        found = [getattr(member, "__func__", member) for member in found]
        found[0]  # noqa: B018 - gone: an IndexError says so
        return found

    def private_names(self):
        """{name: where} of Odoo's underscore names that the code uses or extends."""
        used, defined, extended = {}, set(OURS), {}
        for file, node in self.nodes():
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                defined.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                defined.add(node.id)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                defined.add(node.attr)
            elif isinstance(node, ast.Attribute) and re.match("_[^_]", node.attr):
                of_super = isinstance(node.value, ast.Call) and (
                    getattr(node.value.func, "id", "") == "super"
                )
                names = extended if of_super else used
                names.setdefault(node.attr, f"{file.relative_to(ROOT)}:{node.lineno}")
        odoo = {
            name
            for model in self.env.registry.values()
            for cls in model.mro()
            if not cls.__module__.startswith("odoo.addons.billing_operations")
            for name in vars(cls)
        }
        return {name: place for name, place in used.items() if name not in defined} | {
            name: place for name, place in extended.items() if name in odoo
        }

    def nodes(self):
        """(file, node) of all code of the floors."""
        for package in sorted(architecture.FLOORS):
            for file in sorted((ROOT / package).rglob("*.py")):
                for node in ast.walk(architecture.parse(file)):
                    yield file, node

    def test_the_engine_room_of_odoo_is_entered_in_listed_places_only(self):
        listed = {place for places, _names, _check in rows() for place in places}
        entered = set()
        for file, node in self.nodes():
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                continue
            if any(
                re.match(r"odoo\.(service|sql_db|orm|modules|netsvc)\b", name) for name in names
            ):
                entered.add(str(file.relative_to(ROOT)))
        self.assertEqual(sorted(entered - listed), [])
        self.assertIn("billing_tasks/server_limits.py", entered)

    def test_the_guards_name_methods_of_odoo(self):
        """A misspelt name would never find the addon that changes the method."""
        for table in (
            guards.PREPARED_METHODS, guards.NUMBERING, guards.POSTING, guards.TAX_ARITHMETIC,
            guards.PRICE_ON_TAXES, guards.TERMS,
            addressees.CHOOSING,
            closing_places.CHOOSING, {"account.fiscal.position": fiscal_positions.MATCHING},
        ):  # fmt: skip
            for model, methods in table.items():
                for method in methods.split():
                    self.assertTrue(self.functions(f"{model}.{method}"), f"{model}.{method}")

    # === FACTS THAT ARE NO METHODS OF MODELS === #

    def test_a_cursor_takes_other_methods_and_gives_its_own_back(self):
        cursor = sql_db.Cursor.__new__(sql_db.Cursor)
        cursor._closed = True  # nothing behind it
        with _no_commit(cursor):
            for method in (cursor.commit, cursor.rollback):
                with self.assertRaisesRegex(RuntimeError, "must not commit"):
                    method()
        self.assertEqual(cursor.commit.__func__, sql_db.Cursor.commit)
        self.assertEqual(cursor.rollback.__func__, sql_db.Cursor.rollback)

    def test_late_callbacks_are_a_queue_that_can_be_put_back(self):
        callbacks = Callbacks()
        callbacks.add(print)
        callbacks.data["key"] = 1
        self.assertIsInstance(callbacks._funcs, deque)
        self.assertEqual((list(callbacks._funcs), callbacks.data), ([print], {"key": 1}))
        for name in ("precommit", "postcommit", "prerollback", "postrollback"):
            self.assertIsInstance(getattr(self.env.cr, name), Callbacks)

    def test_a_prefork_worker_is_found_behind_its_signal_handler(self):
        start = inspect.getsource(server.Worker.start)
        self.assertIn("signal.signal(signal.SIGINT, self.signal_handler)", start)
        self.assertIn("self.pid = os.getpid()", start)
        begin = inspect.getsource(server.Worker.__init__)
        for name in ("alive", "pid", "request_count"):
            self.assertIn(f"self.{name} = ", begin)
        self.assertIn("self.alive = False", inspect.getsource(server.Worker.signal_handler))
        worker = server.WorkerCron.__new__(server.WorkerCron)
        worker.alive, worker.pid, worker.request_count = True, 7, 3
        with patch.object(signal, "getsignal", Mock(return_value=worker.signal_handler)):
            self.assertFalse(server_limits.stopping())
            self.assertEqual(server_limits._current_pass(), (7, 3))
            worker.signal_handler(signal.SIGINT, None)
            self.assertTrue(server_limits.stopping())

    def test_a_threaded_server_says_that_it_stops_and_when_a_pass_began(self):
        threaded = server.ThreadedServer
        self.assertIn("self.quit_signals_received = 0", inspect.getsource(threaded.__init__))
        self.assertIn("t.type = 'cron'", inspect.getsource(threaded.cron_spawn))
        self.assertIn("thread.start_time = time.time()", inspect.getsource(threaded.cron_thread))
        thread = threading.Thread()
        thread.type, thread.start_time = "cron", 5.0
        with (
            patch.object(server_limits, "_prefork_worker", Mock(return_value=None)),
            patch.object(threading, "current_thread", Mock(return_value=thread)),
        ):
            self.assertEqual(server_limits._current_pass(), 5.0)
        for name in ("limit_time_real", "limit_time_real_cron", "limit_time_cpu"):
            self.assertIn(name, config.options)
        self.assertIn("max_cron_threads", config.options)

    def test_a_field_knows_the_addons_that_define_it(self):
        fields = self.env["account.move"]._fields
        self.assertIn("account", fields["invoice_date"]._modules)
        self.assertIn("billing_operations", fields["billing_bill_id"]._modules)

    def test_wkhtmltopdf_is_told_how_long_to_wait(self):
        [odoo] = self.functions("ir.actions.report._build_wkhtmltopdf_args")
        self.assertIn("command_args.extend(['--javascript-delay', delay])", inspect.getsource(odoo))
