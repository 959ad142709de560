"""Lint: ruff, pylint-odoo, and the checks of tools/check_files.py and check_voice.py."""

import os

from .place import ADDON, ROOT, tree_files
from .python import call
from .ui import say


def lint(place, odoo):
    """Run every check, also after one has failed; returns the exit status."""
    env = {
        **os.environ,
        "PYTHONPATH": str(odoo.path),
        "PYTHONPYCACHEPREFIX": str(place.cache / "pycache"),
        "PYLINTHOME": str(place.checkout / "pylint"),
        "RUFF_CACHE_DIR": str(place.checkout / "ruff"),
    }
    sources = [name for name in tree_files() if name.endswith(".py")] + ["tools/dev"]
    checks = {
        "ruff": [odoo.python, "-m", "ruff", "check", "--quiet", *sources],
        "ruff format": [odoo.python, "-m", "ruff", "format", "--quiet", "--diff", *sources],
        "pylint-odoo": [
            odoo.python, "-m", "pylint", "--rcfile", ROOT / "pyproject.toml",
            "--load-plugins=pylint_odoo", "--disable=all", "--enable=odoolint",
            "--disable=manifest-required-author,missing-readme,manifest-superfluous-key",
            "--valid-odoo-versions=19.0", "--score=no", place.links / ADDON,
        ],
        "files": [odoo.python, ROOT / "tools/check_files.py", odoo.package, *tree_files()],
        "voice": [odoo.python, ROOT / "tools/check_voice.py", *sources],
    }  # fmt: skip
    failed = []
    for name, command in checks.items():
        say(f"- {name}")
        folder = place.links if name == "pylint-odoo" else ROOT
        if call(command, env=env, cwd=folder):
            failed.append(name)
    say(f"Lint found something: {', '.join(failed)}." if failed else "Lint found nothing.")
    return 1 if failed else 0
