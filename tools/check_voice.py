"""The form of comments and docstrings: `check_voice.py FILE...`, from the repository's root.

docs/architecture.md, One voice, says what is asked for; see there before you change a rule.
"""

import ast
import io
import re
import sys
import tokenize
from pathlib import Path

PRODUCT = (
    "accounting_export/",
    "billing_runs/",
    "billing_tasks/",
    "cdrs/",
    "payment_runs/",
    "service_tasks/",
    "services/",
    "wallets/",
)
#: bases of classes that are no plain Python
MODELS = re.compile(r"^(models\.(Model|AbstractModel|TransientModel)|.*Controller|CustomerPortal)$")
SECTION = re.compile(r"^# === [^a-z]+ === #$")
#: an attempt at a section mark in another form
LIKE_SECTION = re.compile(r"^#\s*(-{2,}|={2,}|\*{2,})")
SINGLE_TICKS = re.compile(r"(?<![`:\w])`[^`]+`(?!`)")
OLD_FIELDS = {":raises ": ":raise ", ":returns:": ":return:", ":rtype": "a type hint"}


def check_sections(name, text):
    """Yield the comments that stand alone, or are underlined, and are no section marks."""
    lines = text.split("\n")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        row = token.start[0] - 1
        own_line = token.type == tokenize.COMMENT and lines[row].strip() == token.string
        if not own_line or token.string.startswith(("#!", "#:")) or SECTION.match(token.string):
            continue
        after = lines[row + 1].strip() if row + 1 < len(lines) else ""
        alone = row and not lines[row - 1].strip() and not after
        if alone or LIKE_SECTION.match(token.string):
            yield f"{name}:{row + 1}: section marks look like this: # === ACTIONS === #"


def check_docstrings(name, tree):
    """Yield the docstrings that quote or name fields in another form."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            continue
        text = ast.get_docstring(node, clean=False) or ""
        line = node.body[0].lineno if text else 0
        if found := SINGLE_TICKS.search(text):
            yield f"{name}:{line}: quote code like ``this``: {found[0]}"
        for old, better in OLD_FIELDS.items():
            if old in text:
                yield f"{name}:{line}: write {better.strip()}, not {old.strip()}"


def check_hints(name, tree):
    """Yield the public functions of a file without models that do not say what they return."""
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    if any(MODELS.match(ast.unparse(base)) for cls in classes for base in cls.bases):
        return
    for node in tree.body:
        public = isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        if public and node.returns is None:
            yield f"{name}:{node.lineno}: {node.name} needs a type hint for what it returns"


def main():
    problems = []
    for name in sys.argv[1:]:
        text = Path(name).read_text(encoding="utf-8")
        problems += check_sections(name, text)
        if name.startswith(PRODUCT):
            tree = ast.parse(text)
            problems += check_docstrings(name, tree)
            problems += check_hints(name, tree)
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
