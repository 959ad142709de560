"""The repository's own lint: `check_files.py ODOO_PACKAGE FILE...`, from the repository's root.

XML is well formed and follows Odoo's grammars in the syntax of Odoo 19; Python files stay short;
the lock file names no index; the README's links lead somewhere; no text names a place on
somebody's machine."""

import re
import sys
from pathlib import Path

from lxml import etree

LONGEST = 500
GRAMMAR_VIEWS = {"activity", "calendar", "graph", "list", "pivot", "search"}
#: attributes and elements of earlier versions, and what replaces them
OLD_ATTRIBUTES = {
    "attrs": 'invisible="...", readonly="..." or required="..." with a Python expression',
    "states": 'invisible="state not in (...)"',
}
OLD_TEMPLATE_ATTRIBUTES = {"t-raw": "t-out", "t-esc": "t-out"}
MACHINE_PATH = re.compile(r"(?<![\w.$}~<>*])/(?:home|root|tmp|work|Users|mnt)/[\w.-]+")
TEXT_FILES = (".py", ".xml", ".csv", ".md", ".txt", ".in", ".toml", ".js", ".scss", ".css")


class Grammars:
    """Odoo's Relax NG grammars, read once."""

    def __init__(self, package):
        self.folder = package / "addons" / "base" / "rng"
        self.data = self._read(package / "import_xml.rng")
        self._views = {}

    @staticmethod
    def _read(file):
        return etree.RelaxNG(etree.parse(str(file)))

    def view(self, kind):
        if kind not in self._views:
            self._views[kind] = self._read(self.folder / f"{kind}_view.rng")
        return self._views[kind]


def check_xml(name, grammars):
    """Problems of one XML file, as texts."""
    try:
        tree = etree.parse(name)
    except etree.XMLSyntaxError as error:
        yield f"{name}:{error.lineno}: {error.msg}"
        return
    root = tree.getroot()
    if root.tag == "odoo":
        if not grammars.data.validate(tree):
            for error in grammars.data.error_log:
                yield f"{name}:{error.line}: {error.message}"
        for arch in root.iter("field"):
            if arch.get("name") == "arch" and len(arch):
                yield from check_view(name, arch, grammars)
    elif root.tag not in ("templates", "svg", "{http://www.w3.org/2000/svg}svg"):
        yield f"{name}:1: the root element is <{root.tag}>, not <odoo> or <templates>"
    for element in root.iter(etree.Element):
        for attribute, better in OLD_TEMPLATE_ATTRIBUTES.items():
            if attribute in element.attrib:
                yield f"{name}:{element.sourceline}: {attribute} is of old, write {better}"


def check_view(name, arch, grammars):
    for element in arch.iter(etree.Element):
        if element.tag == "tree":
            yield f"{name}:{element.sourceline}: <tree> is of old, write <list>"
        if element.tag == "attribute" and element.get("name") in OLD_ATTRIBUTES:
            better = OLD_ATTRIBUTES[element.get("name")]
            yield f"{name}:{element.sourceline}: {element.get('name')} is of old, write {better}"
        for attribute, better in OLD_ATTRIBUTES.items():
            if attribute in element.attrib:
                yield f"{name}:{element.sourceline}: {attribute} is of old, write {better}"
    inherits = arch.getparent().find("field[@name='inherit_id']") is not None
    view = next((e for e in arch if isinstance(e.tag, str)), None)
    if view is not None and not inherits and view.tag in GRAMMAR_VIEWS:
        grammar = grammars.view(view.tag)
        if not grammar.validate(etree.fromstring(etree.tostring(view))):
            error = grammar.error_log.last_error
            line = view.sourceline + error.line - 1
            yield f"{name}:{line}: {error.message}"


def check_python(name, text):
    lines = text.count("\n")
    if lines > LONGEST:
        yield f"{name}:{lines}: longer than {LONGEST} lines"


def check_text(name, text):
    for number, line in enumerate(text.splitlines(), 1):
        found = MACHINE_PATH.search(line)
        if found and not line.startswith("#!"):
            yield f"{name}:{number}: names a place on one machine: {found[0]}"


def check_lock(name, text):
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"\s*(-i|-f|--index-url|--extra-index-url|--find-links)\b|.*\w+://", line):
            yield f"{name}:{number}: names a place to fetch from"
        if "==" in line and not line.endswith("\\"):
            yield f"{name}:{number}: has no hash"


def check_readme(name, text):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in target and not Path(target).exists():
            yield f"{name}: links to {target}, which is not there"
    for target in re.findall(r"^\t@tools/dev (\w+)", Path("Makefile").read_text(), re.M):
        if f"make {target}" not in text:
            yield f"{name}: does not mention `make {target}`"


def main():
    grammars = Grammars(Path(sys.argv[1]))
    problems = []
    for name in sys.argv[2:]:
        if name.endswith(".xml"):
            problems += check_xml(name, grammars)
        if not name.endswith(TEXT_FILES):
            continue
        text = Path(name).read_text(encoding="utf-8")
        if name.endswith(".py"):
            problems += check_python(name, text)
        if re.fullmatch(r"requirements\S*\.txt", name):
            problems += check_lock(name, text)
        elif name != "tools/check_files.py":
            problems += check_text(name, text)
        if name == "README.md":
            problems += check_readme(name, text)
    if "README.md" not in sys.argv[2:]:
        problems.append("README.md: missing")
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


sys.exit(main())
