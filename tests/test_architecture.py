"""The house's own rules: floors, files, constraints, access. See `architecture.py`."""

import io
import re
import tempfile
import unittest
from pathlib import Path

from lxml import etree

from odoo.modules import Manifest
from odoo.tests import TransactionCase, tagged
from odoo.tools.translate import trans_export

from . import architecture
from .architecture import ADDON

ROOT = Path(__file__).resolve().parents[1]

LOWER = """
from odoo import fields, models

class Charge(models.Model):
    _name = "billing.charge"
    _description = "Charge"
"""
UPPER = """
from odoo import fields, models

class Run(models.Model):
    _name = "billing.run"
    _description = "Run"

    charge_ids = fields.One2many("billing.charge", "run_id")

    def _end(self):
        return None
"""
EXTENDS = """
from odoo import fields, models

class Charge(models.Model):
    _inherit = "billing.charge"

    run_id = fields.Many2one("billing.run")
"""
#: a mistake in the package `services` (or `cdrs`): file, text
MISTAKES = {
    "a comodel of an upper floor": (
        "services/models/a.py",
        'from odoo import fields, models\nclass A(models.Model):\n    _name = "a"\n'
        '    run_id = fields.Many2one(comodel_name="billing.run")\n',
    ),
    "env[...] of an upper floor": (
        "services/models/a.py",
        'class A:\n    def f(self):\n        return self.env["billing.run"].search([])\n',
    ),
    "_inherit of an upper floor": (
        "services/models/a.py",
        'from odoo import models\nclass A(models.Model):\n    _inherit = ["mail.thread", '
        '"billing.run"]\n',
    ),
    "_inherits of an upper floor": (
        "services/models/a.py",
        'from odoo import models\nclass A(models.Model):\n    _name = "a"\n'
        '    _inherits = {"billing.run": "run_id"}\n',
    ),
    "an absolute import from an upper floor": (
        "services/a.py",
        f"from odoo.addons.{ADDON}.billing_runs.runs import billing_run\n",
    ),
    "an import of an upper floor itself": (
        "services/a.py",
        f"from odoo.addons.{ADDON} import billing_runs\n",
    ),
    "a relative import from an upper floor": (
        "services/models/a.py",
        "from ...billing_runs.runs import billing_run\n",
    ),
    "an upper floor's model in a view": (
        "services/views/a.xml",
        '<odoo><record id="a" model="ir.actions.act_window"><field name="res_model">billing.run'
        "</field></record></odoo>",
    ),
    "an upper floor's record in a view": (
        "services/views/a.xml",
        '<odoo><menuitem id="a" action="billing_operations.run_action"/></odoo>',
    ),
    "an upper floor's record in an expression": (
        "services/views/a.xml",
        """<odoo><record id="a" model="b"><field name="c" eval="[(4, ref('run_action'))]"/>"""
        "</record></odoo>",
    ),
    "an upper floor's model by its generated id": (
        "data/services_a.xml",
        '<odoo><record id="a" model="ir.rule"><field name="model_id" ref="model_billing_run"/>'
        "</record></odoo>",
    ),
    "an upper floor's record in Python": (
        "services/a.py",
        'def f(env):\n    return env.ref("billing_operations.run_action")\n',
    ),
    "a sister's model": (
        "cdrs/models/a.py",
        'def f(env):\n    return env["wallet"]\n',
    ),
    "a package without a floor": ("attic/__init__.py", ""),
    "a file outside of the rooms": ("billing_runs/a.py", ""),
    "an unknown room": ("billing_runs/attic/a.py", ""),
    "a view outside of the rooms": ("billing_runs/views/a.xml", "<odoo/>"),
    "a model of an upper room": (
        "billing_runs/bills/a.py",
        'def f(env):\n    return env["billing.delivery"]\n',
    ),
    "an import from an upper room": (
        "billing_runs/runs/a.py",
        "from ..delivery.billing_delivery import Delivery\n",
    ),
    "an absolute import from an upper room": (
        "billing_runs/runs/a.py",
        f"from odoo.addons.{ADDON}.billing_runs.delivery import billing_delivery\n",
    ),
    "a model declared in a file of another name": (
        "billing_runs/runs/a.py",
        'from odoo import models\nclass A(models.Model):\n    _name = "billing.a"\n',
    ),
    "a file named after a model that it does not declare": (
        "billing_runs/runs/billing_a.py",
        'from odoo import models\nclass A(models.Model):\n    _inherit = "billing.charge"\n',
    ),
    "a method that stands in two files of a package": (
        "billing_runs/steps/a.py",
        'from odoo import models\nclass A(models.Model):\n    _inherit = "billing.run"\n'
        "    def _end(self):\n        return super()._end()\n",
    ),
}


class TestFloors(unittest.TestCase):
    def _tree(self, folder, *mistake):
        files = {
            "services/models/billing_charge.py": LOWER,
            "billing_runs/__init__.py": "from . import runs\n",
            "billing_runs/runs/billing_run.py": UPPER,
            "billing_runs/runs/charge.py": EXTENDS,
            "billing_runs/delivery/billing_delivery.py": (
                "from odoo import models\nclass Delivery(models.Model):\n"
                '    _name = "billing.delivery"\n'
            ),
            "billing_runs/runs/run.xml": '<odoo><record id="run_action" model="b"/></odoo>',
            "wallets/models/wallet.py": (
                'from odoo import models\nclass W(models.Model):\n    _name = "wallet"\n'
            ),
        }
        files.update([mistake] if mistake else [])
        for name, text in files.items():
            file = Path(folder, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return Path(folder)

    def test_no_package_names_a_sister_or_an_upper_floor(self):
        self.assertEqual(architecture.violations(ROOT), [])

    def test_the_rule_knows_the_addons_own_models(self):
        owners = architecture.model_owners(ROOT)
        self.assertEqual(owners.get("billing.charge"), "services")
        self.assertEqual(owners.get("billing.invoice.builder"), "billing_runs")

    def test_naming_lower_floors_is_no_violation(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(architecture.violations(self._tree(folder)), [])

    def test_each_planted_violation_is_found(self):
        for what, mistake in MISTAKES.items():
            with self.subTest(what), tempfile.TemporaryDirectory() as folder:
                found = architecture.violations(self._tree(folder, *mistake))
                self.assertEqual(len(found), 1, found)
                self.assertIn(mistake[0].split("/__init__")[0], found[0])

    def test_rooms_stand_in_the_file_that_says_how_the_house_is_built(self):
        text = Path(ROOT, "docs", "architecture.md").read_text(encoding="utf-8")
        for rooms in architecture.ROOMS.values():
            for room in sum(rooms, ()):
                self.assertRegex(text, rf"\b{room}/")

    def test_each_model_file_holds_one_model_and_carries_its_name(self):
        wrong = []
        for package in architecture.packages(ROOT):
            for file in sorted(Path(ROOT, package).glob("*/*.py")):
                found = architecture.model_classes(architecture.parse(file))
                names = [name or parents[0] for _node, name, parents in found]
                own = [name for name in names if file.stem.startswith(name.replace(".", "_"))]
                if file.parent.name in ("models", "wizards", "report") and len(names) != len(own):
                    wrong.append(f"{file.relative_to(ROOT)}: {names}")
                if len(names) > 1:
                    wrong.append(f"{file.relative_to(ROOT)}: {len(names)} models")
        self.assertEqual(wrong, [])


class TestManifest(unittest.TestCase):
    def test_every_data_file_is_loaded_and_every_loaded_file_exists(self):
        manifest = Manifest.for_addon(ADDON)
        listed = [*manifest["data"], *manifest["demo"]]
        folders = [*architecture.packages(ROOT), "data", "demo", "security"]
        there = {
            str(file.relative_to(ROOT))
            for folder in folders
            for pattern in ("*.xml", "*.csv")
            for file in Path(ROOT, folder).rglob(pattern)
            if "static" not in file.parts
        }
        # What a loaded file takes the content of a field from is loaded with it.
        named = rf'file="{ADDON}/([^"]+)"'
        contents = {
            name
            for file in listed
            for name in re.findall(named, Path(ROOT, file).read_text(encoding="utf-8"))
        }
        self.assertEqual(sorted(listed), sorted(there - contents))
        self.assertEqual(len(listed), len(set(listed)))
        self.assertEqual([name for name in contents if not Path(ROOT, name).exists()], [])

    def test_the_addon_asks_for_nothing_that_odoo_does_not_bring(self):
        manifest = Manifest.for_addon(ADDON)
        self.assertFalse(manifest["external_dependencies"])
        self.assertEqual(manifest["license"], "LGPL-3")


@tagged("post_install", "-at_install")
class TestDatabase(TransactionCase):
    def _own_models(self):
        for name in architecture.model_owners(ROOT):
            yield self.env[name]

    def test_every_declared_constraint_and_index_exists_in_the_database(self):
        self.env.cr.execute(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint "
            "UNION SELECT tablename, indexname FROM pg_indexes WHERE schemaname = current_schema"
        )
        there = set(self.env.cr.fetchall())
        declared = {
            (model._table, table_object.full_name(model))
            for model in map(self.env.__getitem__, self.env.registry)
            if not model._abstract
            for table_object in model._table_objects.values()
            if table_object._module == ADDON
        }
        self.assertTrue(declared)
        self.assertEqual(sorted(declared - there), [])

    def test_every_model_says_who_may_use_it(self):
        access = self.env["ir.model.access"].search([])
        covered = set(access.model_id.mapped("model"))
        wanted = {model._name for model in self._own_models() if not model._abstract}
        self.assertEqual(sorted(wanted - covered), [])

    def test_every_model_with_a_company_is_kept_within_it(self):
        rules = self.env["ir.rule"].search([("global", "=", True)])
        covered = {
            rule.model_id.model for rule in rules if "company_ids" in (rule.domain_force or "")
        }
        wanted = {
            model._name
            for model in self._own_models()
            if not model._abstract
            and not model.is_transient()
            and "company_id" in model._fields
            and model._fields["company_id"].store
        }
        self.assertEqual(sorted(wanted - covered), [])

    def test_every_model_has_a_name_for_people(self):
        for model in self._own_models():
            self.assertNotIn(model._description, (None, "", model._name))

    def test_every_view_of_ours_has_letters_that_can_be_read_on_its_colours(self):
        ours = self.env["ir.model.data"].search(
            [("module", "=", ADDON), ("model", "=", "ir.ui.view")]
        )
        views = self.env["ir.ui.view"].browse(ours.mapped("res_id"))
        views = views.filtered(
            lambda view: view.type in ("list", "form", "kanban") and view.mode == "primary"
        )
        self.assertTrue(views)
        plain = [
            view.xml_id or view.name
            for view in views
            if "o_billing_view" not in (etree.fromstring(view.arch_db).get("class") or "")
        ]
        self.assertEqual(plain, [])

    def test_the_exported_terms_are_of_our_files_only(self):
        buffer = io.BytesIO()
        trans_export(False, [ADDON], buffer, "po", self.env)
        text = buffer.getvalue().decode()
        places = set(re.findall(r"^#: code:(\S+?):\d+", text, re.M))
        places |= set(re.findall(r" code:(\S+?):\d+", text))
        files = {
            f"addons/{ADDON}/{file.relative_to(ROOT)}"
            for pattern in ("*.py", "*.js", "*.xml")
            for file in ROOT.rglob(pattern)
        }
        self.assertIn(f"addons/{ADDON}/services/models/billing_charge.py", places)
        self.assertEqual(sorted(places - files), [])
        modules = set(re.findall(r"^#\. module: (.*)$", text, re.M))
        self.assertEqual(modules, {ADDON})
