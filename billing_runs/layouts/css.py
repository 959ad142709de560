"""Stylesheets cut down to what a batch of documents uses: no ORM.

A rule stays whole, with all of its selectors, as soon as one of them may match: what a renderer
makes of it is then what it makes of the whole stylesheet.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache

#: comments, strings, addresses and the signs that end something
TOKEN = re.compile(
    r"""/\*.*?\*/|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|url\([^"')]*\)|[{};]""", re.DOTALL
)
URL = re.compile(r"""url\(\s*(?:"([^"]*)"|'([^']*)'|([^"')]*?))\s*\)""")
#: blocks with rules inside
GROUPS = ("@media", "@supports", "@layer", "@container", "@document")
#: states that paper does not know
STATES = re.compile(r":(?:hover|focus|focus-within|focus-visible|active|target)\b")
SIDE = re.compile(r"\b(?:left|right)\b")
OTHER = {"left": "right", "right": "left"}
#: where each of four values goes when left and right change places
FOUR_SIDES = dict.fromkeys(("margin", "padding", "border-width", "border-style"), (0, 3, 2, 1))
FOUR_SIDES |= {"border-color": (0, 3, 2, 1), "border-radius": (1, 0, 3, 2)}
NAME = r"((?:\\.|[\w-]|[^\x00-\x7f])+)"
CLASS, ID = re.compile(r"\." + NAME), re.compile("#" + NAME)
TAG = re.compile(r"(?:^|[\s>+~])([a-zA-Z][\w-]*)")
HTML_CLASS = re.compile(r"""\bclass=(?:"([^"]*)"|'([^']*)')""")
HTML_ID = re.compile(r"""\bid=(?:"([^"]*)"|'([^']*)')""")
HTML_TAG = re.compile(r"<([a-zA-Z][\w:-]*)")


@dataclass(frozen=True)
class Face:
    """A font that a stylesheet brings."""

    family: str
    weight: str
    style: str
    urls: tuple[str, ...]
    text: str


@dataclass
class _Rule:
    text: str
    needs: list[frozenset[str]]


@dataclass
class _Group:
    head: str
    rules: list = field(default_factory=list)


def names_in(html: str) -> frozenset[str]:
    """Return the classes (``.name``), ids (``#name``) and tags of a piece of HTML."""
    found = {"html", "body"}
    found.update(tag.lower() for tag in set(HTML_TAG.findall(html)))
    for double, single in set(HTML_CLASS.findall(html)):
        found.update("." + name for name in (double or single).split())
    found.update("#" + (double or single) for double, single in HTML_ID.findall(html))
    return frozenset(found)


class Stylesheet:
    """A parsed stylesheet."""

    def __init__(self, text: str, mirrored: bool = False):
        """:param bool mirrored: whether left and right change places"""
        self.faces: list[Face] = []
        self._mirrored = mirrored
        self._rules = self._parse(text, 0)[0]
        if mirrored:
            self._rules.append(_Rule("html, body{direction: rtl}", [frozenset()]))
        self.cut = lru_cache(maxsize=64)(self._cut)

    def _parse(self, text, position):
        """Return ``(rules, position after them)`` of a block."""
        rules, start, head = [], position, []
        while match := TOKEN.search(text, position):
            token, position = match.group(), match.end()
            if token.startswith("/*"):
                head.append(text[start : match.start()])
                start = position
            elif token == ";":
                start, head = position, []  # @import and @charset: nothing is fetched
            elif token == "}":
                return rules, position
            elif token == "{":
                prelude = " ".join("".join([*head, text[start : match.start()]]).split())
                if prelude.lower().startswith(GROUPS):
                    inner, position = self._parse(text, position)
                    rules.append(_Group(prelude, inner))
                else:
                    body, position = _body(text, position)
                    self._add(rules, prelude, body)
                start, head = position, []
        return rules, len(text)

    def _add(self, rules, prelude, body):
        if prelude.lower().startswith("@font-face"):
            self.faces.append(_face(body))
        elif not prelude.startswith("@"):  # no animation, and the paper is said elsewhere
            body = mirror(body) if self._mirrored else body
            rules.append(_Rule(f"{prelude}{{{body}}}", _needs(prelude)))

    def _cut(self, names: frozenset[str]) -> str:
        """Return the rules that may match something with these names."""
        return "\n".join(_kept(self._rules, names))


def _kept(rules, names):
    for rule in rules:
        if isinstance(rule, _Rule):
            if any(need <= names for need in rule.needs):
                yield rule.text
        elif inner := "\n".join(_kept(rule.rules, names)):
            yield f"{rule.head}{{{inner}}}"


def _body(text, position):
    """Return ``(what stands between braces, position after them)``."""
    start, depth = position, 1
    while match := TOKEN.search(text, position):
        position = match.end()
        depth += {"{": 1, "}": -1}.get(match.group(), 0)
        if not depth:
            return text[start : match.start()], position
    return text[start:], len(text)


def _needs(prelude):
    """Return for each selector of a rule the names without which it matches nothing."""
    found = []
    for selector in _selectors(prelude):
        if not STATES.search(selector):
            needed = {"." + _unescape(name) for name in CLASS.findall(selector)}
            needed |= {"#" + _unescape(name) for name in ID.findall(selector)}
            needed |= {name.lower() for name in TAG.findall(selector)}
            found.append(frozenset(needed))
    return found


def _selectors(prelude):
    """Yield the selectors of a list, without what stands in parentheses, brackets and quotes."""
    flat = re.sub(r'"[^"]*"|\'[^\']*\'', "", prelude)
    while (shorter := re.sub(r"\([^()]*\)|\[[^\[\]]*\]", "", flat)) != flat:
        flat = shorter
    return (selector.strip() for selector in flat.split(","))


def _unescape(name):
    return re.sub(r"\\(.)", r"\1", name)


def _face(body):
    """Return the font that an ``@font-face`` rule says."""
    values = {}
    for line in re.split(r";(?![^(]*\))", body):
        name, _colon, value = line.partition(":")
        name, value = name.strip().lower(), value.strip()
        values[name] = f"{values[name]},{value}" if name == "src" and name in values else value
    urls = ("".join(match) for match in URL.findall(values.get("src", "")))
    return Face(
        family=values.get("font-family", "").strip("\"' "),
        weight=values.get("font-weight", "400"),
        style=values.get("font-style", "normal"),
        urls=tuple(urls),
        text=f"@font-face{{{body}}}",
    )


def is_from_left(css: str) -> bool:
    """Return whether a page by a stylesheet begins at the left."""
    return bool(re.search(r"(?:^|[\s,}])body\s*{[^}]*direction:\s*ltr", css))


def mirror(body: str) -> str:
    """Return declarations with left and right in each other's place, as right-to-left wants them."""
    return "".join(
        _turned(part) if ":" in part else part for part in re.split(r"(;(?![^(]*\)))", body)
    )


def _turned(declaration):
    name, _colon, value = declaration.partition(":")
    plain = name.strip().lower()
    if plain in FOUR_SIDES:
        sides = value.split()
        important = [sides.pop()] if sides and sides[-1] == "!important" else []
        if len(sides) == 4 and "(" not in value:
            value = " ".join([*(sides[place] for place in FOUR_SIDES[plain]), *important])
    elif plain in ("text-align", "float", "clear", "background-position"):
        value = SIDE.sub(_other, value)
    return f"{SIDE.sub(_other, name)}:{value}"


def _other(match):
    return OTHER[match.group()]


def replace_urls(css: str, resolve) -> str:
    """Return CSS whose addresses are replaced by what ``resolve(address)`` returns."""

    def replace(match):
        address = "".join(part or "" for part in match.groups())
        if address.startswith(("data:", "#")):
            return match.group()
        return f'url("{resolve(address) or "data:,"}")'

    return URL.sub(replace, css) if "url(" in css else css
