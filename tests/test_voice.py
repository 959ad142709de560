"""The check of the form of comments and docstrings finds what is in another form."""

import ast
import unittest

from ..tools import check_voice

MARKS = """
class Charge:
    # === ACTIONS === #

    def act(self):
        # Why it is so.
        return 1

    # Checks

    # -- states
    def check(self):
        return 2
"""
DOCSTRING = '''
def rated(day):
    """Return `day`, or ``None``.

    :raises UserError: never
    """
'''


def lines(problems):
    return [int(problem.split(":")[1]) for problem in problems]


class TestVoice(unittest.TestCase):
    def test_marks_of_another_form_are_found(self):
        self.assertEqual(lines(check_voice.check_sections("x.py", MARKS)), [9, 11])

    def test_quotes_and_fields_of_another_form_are_found(self):
        problems = list(check_voice.check_docstrings("x.py", ast.parse(DOCSTRING)))
        self.assertEqual(len(problems), 2)
        self.assertIn("`day`", problems[0])
        self.assertIn("write :raise", problems[1])

    def test_functions_without_models_say_what_they_return(self):
        plain = "def rated(day): ...\ndef _own(day): ...\ndef due(day) -> bool: ...\n"
        problems = list(check_voice.check_hints("x.py", ast.parse(plain)))
        self.assertEqual([problem.split(" ")[1] for problem in problems], ["rated"])
        model = plain + "class Run(models.Model): ...\n"
        self.assertFalse(list(check_voice.check_hints("x.py", ast.parse(model))))
