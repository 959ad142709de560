"""What the development commands make of a machine that has other programs, or none."""

import unittest

from ..tools.devlib import programs, python
from ..tools.devlib.ui import Failure

POLICY = """\
chromium:
  Installed: (none)
  Candidate: 142.0-1
  Version table:
     142.0-1 500
        500 mirror stable/main amd64 Packages
wkhtmltopdf:
  Installed: (none)
  Candidate: (none)
  Version table:
"""


class TestPrograms(unittest.TestCase):
    def test_a_program_is_there_under_any_of_its_names(self):
        for name in ("chromium", "google-chrome"):
            self.assertEqual(programs.missing(["chromium", "npm"], {name}.__contains__), ["npm"])

    def test_the_sentence_says_what_is_missing_and_what_for(self):
        self.assertEqual(
            programs.sentence(["wkhtmltopdf"]),
            "Not on this machine: wkhtmltopdf (bills by Odoo's report). All else goes without.",
        )

    def test_of_several_programs_any_one_will_do(self):
        wanted = [("wkhtmltopdf", "chromium"), ("npm",)]
        self.assertEqual(programs.lacking(wanted, {"chromium"}.__contains__), ["npm"])
        self.assertEqual(
            programs.lacking(wanted, {"npm"}.__contains__), ["wkhtmltopdf or chromium"]
        )

    def test_only_what_debian_offers_is_named_for_the_administrator(self):
        sentence = programs.sentence(["chromium", "wkhtmltopdf"], {"chromium"})
        self.assertTrue(sentence.endswith("by `apt-get install chromium`."), sentence)

    def test_a_package_without_a_candidate_is_not_offered(self):
        self.assertEqual(programs.candidates(POLICY), {"chromium"})

    def test_packages_that_apt_has_never_heard_of_are_not_offered(self):
        self.assertEqual(programs.candidates(""), set())


class TestPython(unittest.TestCase):
    def choose(self, version, found=()):
        return python.choose_python(version, "this one", {v: f"other {v}" for v in found}.get)

    def test_each_python_that_odoo_takes_is_used_as_it_is(self):
        for version in ((3, 11), (3, 12), (3, 13)):
            self.assertEqual(self.choose(version, python.PYTHONS), "this one")

    def test_beside_another_python_the_newest_that_will_do_is_used(self):
        self.assertEqual(self.choose((3, 14), [(3, 11), (3, 12)]), "other (3, 12)")

    def test_without_one_the_message_says_which_to_install(self):
        with self.assertRaisesRegex(Failure, r"3\.11, 3\.12 or 3\.13: install python3\.13 with"):
            self.choose((3, 10))
