"""Programs that one can do without: what each is for, and which are not here. Plain functions."""

import re
import shutil
from collections import namedtuple

#: the names that a program may have on PATH, and what it is for
Program = namedtuple("Program", "names use")
#: {Debian package: program}
OPTIONAL = {
    "chromium": Program(
        ("google-chrome", "chromium", "chromium-browser", "google-chrome-stable"),
        "tests in a browser, and bills by Odoo's report where wkhtmltopdf is not there",
    ),
    "npm": Program(("npm",), "axe-core, by which tests check pages for accessibility"),
    "wkhtmltopdf": Program(("wkhtmltopdf",), "bills by Odoo's report"),
}


def missing(packages, which=shutil.which):
    """Those of `packages` that are not on PATH under any of their names, in their order."""
    return [name for name in packages if not any(map(which, OPTIONAL[name].names))]


def lacking(wanted, which=shutil.which):
    """Those of `wanted`, groups of packages of which one will do, that have none on PATH: as texts,
    `one or another`."""
    return [" or ".join(group) for group in wanted if len(missing(group, which)) == len(group)]


def sentence(packages, offered=()):
    """What is not here, what it would be for, and how to get what Debian offers of it."""
    names = ", ".join(f"{name} ({OPTIONAL[name].use})" for name in packages)
    text = f"Not on this machine: {names}. All else goes without."
    wanted = [name for name in packages if name in offered]
    if wanted:
        text += f" An administrator installs it by `apt-get install {' '.join(wanted)}`."
    return text


def candidates(policy):
    """The packages that apt could install, of the text of `apt-cache policy` in English."""
    found = re.findall(r"^(\S+):\n(?:  .*\n)*?  Candidate: (\S+)", policy, re.M)
    return {name for name, version in found if version != "(none)"}
