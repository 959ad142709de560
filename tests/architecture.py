"""Reads the addon's source the way its floors are defined: who names whose models.

Nothing is imported or run: Python files are parsed, XML files too. `violations(root)` is all that
the test needs; it works on any tree of the same layout, so that planted mistakes can be tried."""

import ast
import re
from pathlib import Path

from lxml import etree

ADDON = "billing_operations"
#: a package may name itself and what lies on strictly lower floors
FLOORS = {
    "billing_tasks": 1,
    "services": 2,
    "service_tasks": 3,
    "cdrs": 3,
    "wallets": 3,
    "billing_runs": 4,
    "payment_runs": 5,
    "accounting_export": 5,
}
#: the rooms of a floor, in groups from the ground up: a file names models and imports modules of
#: its own group and of those below it; what stands above is reached by calling a method
ROOMS = {
    "billing_runs": (
        ("cycles", "runs", "bills", "usage"),
        ("invoicing",),
        ("writer",),
        ("prepaid",),
        ("layouts",),
        ("calls",),
        ("documents",),
        ("reports",),
        ("delivery",),
        ("undo",),
        ("portal",),
        ("closing",),
        ("steps",),
        ("start",),
        ("host",),
    ),
}
#: folders whose files belong to no floor
SHARED = {"bench", "data", "demo", "docs", "i18n", "security", "static", "tests", "tools"}
IMPORTED = re.compile(rf"odoo\.addons\.{ADDON}\.(\w+)")
XML_ID = re.compile(r"[A-Za-z_][\w.]*")


def may_name(package, other):
    """May files of `package` name things of `other`?"""
    return package == other or FLOORS[other] < FLOORS[package]


def packages(root):
    """Python packages at the addon's root, apart from the shared folders."""
    found = {folder.parent.name for folder in Path(root).glob("*/__init__.py")}
    return sorted(found - SHARED)


def _files(root, pattern):
    """(package, file) of every file that belongs to one: in its folder, or in the shared `data/`
    and `security/` with its name in front."""
    root = Path(root)
    for package in FLOORS:
        yield from ((package, file) for file in sorted(root.glob(f"{package}/**/{pattern}")))
        for folder in ("data", "demo", "security"):
            for file in sorted(root.glob(f"{folder}/{package}_{pattern}")):
                yield package, file


def model_classes(tree):
    """[(class node, _name or None, [_inherit...])] of the Odoo models in a parsed file."""
    found = []
    for class_node in ast.walk(tree):
        if not isinstance(class_node, ast.ClassDef):
            continue
        values = {}
        for statement in class_node.body:
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                values[statement.targets[0].id] = statement.value
        name, inherit = values.get("_name"), values.get("_inherit")
        if name is None and inherit is None:
            continue
        parents = ast.walk(inherit) if inherit is not None else ()
        parents = [node.value for node in parents if isinstance(node, ast.Constant)]
        found.append((class_node, getattr(name, "value", None), parents))
    return found


def model_owners(root):
    """{model: package} of every model that the addon brings."""
    owners = {}
    for package, file in _files(root, "*.py"):
        for _node, name, parents in model_classes(parse(file)):
            if name and name not in parents:
                owners[name] = package
    return owners


def xml_id_owners(root, models):
    """{xml id: package} of the records that packages define, models' own ids included."""
    owners = {f"model_{model.replace('.', '_')}": package for model, package in models.items()}
    for package, file in _files(root, "*.xml"):
        for element in _parse_xml(file).iter("record", "template", "menuitem", "report"):
            if element.get("id"):
                owners[element.get("id").removeprefix(f"{ADDON}.")] = package
    return owners


def violations(root):
    """Texts, one for each place where a package names what it may not."""
    models = model_owners(root)
    xml_ids = xml_id_owners(root, models)
    found = [f"{name}: a package without a floor" for name in packages(root) if name not in FLOORS]
    for package, file in _files(root, "*.py"):
        place = file.relative_to(root)
        for line, what, other in _python_names(root, file, models, xml_ids):
            if not may_name(package, other):
                found.append(f"{place}:{line}: {package} names {what} of {other}")
    for package, file in _files(root, "*.xml"):
        place = file.relative_to(root)
        for line, what, other in _xml_names(file, models, xml_ids):
            if not may_name(package, other):
                found.append(f"{place}:{line}: {package} names {what} of {other}")
    for package in ROOMS:
        found += room_violations(Path(root), package)
    for package in FLOORS:
        found += overrides_within(Path(root), package)
    return found


# === ROOMS === #


def room_violations(root, package):
    """Texts, one for each place where a room of a package breaks its rules:

    * every file lies in a room, or in its `controllers/`, and every room is a known one;
    * `billing_*.py` declares the model of its name; any other file declares none and extends one;
    * a file names models of its own group of rooms and of lower ones, and imports from these.
    """
    floor = root / package
    height = {room: level for level, rooms in enumerate(ROOMS[package]) for room in rooms}
    files = [file for file in sorted(floor.rglob("*.py")) if file != floor / "__init__.py"]
    files += sorted(floor.rglob("*.xml"))
    found, at_home = [], {}
    for file in files:
        room = file.relative_to(floor).parts[0]
        inside = [part for part in file.relative_to(floor).parts if part != "controllers"]
        if room not in height or len(inside) != 2:
            found.append(f"{file.relative_to(root)}: lies in no room")
        elif file.suffix == ".py":
            found += _wrong_declarations(root, file)
            for _node, name, parents in model_classes(parse(file)):
                if name and name not in parents:
                    at_home[name] = room
    for file in files:
        room = file.relative_to(floor).parts[0]
        if room in height and file.suffix == ".py":
            for line, what, other in _room_names(root, file, package, at_home):
                if height.get(other, -1) > height[room]:
                    found.append(f"{file.relative_to(root)}:{line}: {room} names {what} of {other}")
    return found


def _wrong_declarations(root, file):
    """Texts for what a room's file declares and its name does not say."""
    found = []
    place = file.relative_to(root)
    classes = model_classes(parse(file))
    declared = [name for _node, name, parents in classes if name and name not in parents]
    wanted = [name for name in declared if name.replace(".", "_") == file.stem]
    if file.name.startswith("billing_") and len(wanted) != 1:
        found.append(f"{place}: does not declare the model of its name")
    if len(declared) > len(wanted):
        found.append(f"{place}: declares a model that its name does not say")
    if len(classes) > 1:
        found.append(f"{place}: {len(classes)} models in one file")
    return found


def _room_names(root, file, package, at_home):
    """(line, what, room) for the imports and the names of the package's own models in a file."""
    for node in ast.walk(parse(file)):
        if isinstance(node, ast.Constant) and node.value in at_home:
            yield node.lineno, node.value, at_home[node.value]
        for name in _imported_names(root, file, node):
            parts = name.removeprefix(f"odoo.addons.{ADDON}.").split(".")
            if parts[0] == package and len(parts) > 1:
                yield node.lineno, f"import {'.'.join(parts[1:])}", parts[1]


def overrides_within(root, package):
    """Texts, one for each method of a model that stands in two files of one package: an override
    means another floor, so that nobody has to know in which order files are loaded."""
    places = {}
    for file in sorted((root / package).rglob("*.py")):
        for node, name, parents in model_classes(parse(file)):
            model = name or (parents[0] if parents else None)
            for statement in node.body:
                if isinstance(statement, ast.FunctionDef):
                    place = f"{file.relative_to(root)}:{statement.lineno}"
                    places.setdefault((model, statement.name), []).append(place)
    return [
        f"{found[1]}: {model}.{method} stands in {found[0]} as well"
        for (model, method), found in places.items()
        if len(found) > 1
    ]


def parse(file):
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def _parse_xml(file):
    return etree.parse(str(file)).getroot()


def _python_names(root, file, models, xml_ids):
    """(line, what, package) for imports, model names and xml ids in a Python file.

    A model's name counts wherever it stands as a text of its own: `_inherit`, a comodel,
    `env[...]`, a `res_model`."""
    for node in ast.walk(parse(file)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
            if text in models:
                yield node.lineno, text, models[text]
            elif text.startswith(f"{ADDON}.") and text.removeprefix(f"{ADDON}.") in xml_ids:
                yield node.lineno, text, xml_ids[text.removeprefix(f"{ADDON}.")]
        for module in _imported(root, file, node):
            if module in FLOORS:
                yield node.lineno, f"import {module}", module


def _imported(root, file, node):
    """Names of the addon's own packages that an import statement reaches."""
    names = _imported_names(root, file, node)
    return [match[1] for match in map(IMPORTED.match, names) if match]


def _imported_names(root, file, node):
    """Full dotted names that an import statement reaches."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.level == 0:
        names = [f"{node.module}.{alias.name}" for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        here = [f"odoo.addons.{ADDON}", *file.relative_to(root).parent.parts]
        base = here[: len(here) - node.level + 1]
        base += [node.module] if node.module else []
        names = [".".join([*base, alias.name]) for alias in node.names]
    else:
        return []
    return names


def _xml_names(file, models, xml_ids):
    """(line, what, package) for model names and xml ids in an XML file."""
    for element in _parse_xml(file).iter(etree.Element):
        for value in [*element.attrib.values(), (element.text or "").strip()]:
            if value in models:
                yield element.sourceline, value, models[value]
        references = [value for name, value in element.attrib.items() if name != "id"]
        for value in references:
            for token in XML_ID.findall(value):
                token = token.removeprefix(f"{ADDON}.")
                if token in xml_ids and not _is_name(element, value):
                    yield element.sourceline, token, xml_ids[token]


def _is_name(element, value):
    """Is `value` the plain name of a field or node, not a reference?"""
    return element.get("name") == value or element.get("string") == value
