"""Which program prints Odoo's report on this server."""

import functools
import shutil

from odoo.addons.base.models.ir_actions_report import _wkhtml

from . import frames
from .chromium import NAMES, Chromium
from .webkit import Webkit

#: states of Odoo's wkhtmltopdf in which it prints; ``workers`` is about pages read from Odoo
#: itself while it prints, which none is
ABLE = ("ok", "workers")


@functools.cache
def find() -> Webkit | Chromium | None:
    """Return what prints here: wkhtmltopdf, else Chromium; None for nothing that does it well."""
    webkit = _wkhtml()
    if webkit.state in ABLE and (webkit.is_patched_qt or frames.is_available()):
        return Webkit(webkit.bin, webkit.is_patched_qt)
    binary = next(filter(None, map(shutil.which, NAMES)), None)
    return Chromium(binary) if binary and frames.is_available() else None


def missing(env) -> str | None:
    """Return what the server lacks, and what to do, in one sentence; None for nothing."""
    if find():
        return None
    if _wkhtml().state in ABLE or any(map(shutil.which, NAMES)):
        return env._(
            "Bills by Odoo's report have no header and footer without the Python package pikepdf:"
            " pip install pikepdf"
        )
    return env._(
        "Odoo's report needs wkhtmltopdf or chromium-headless-shell, and the Python package"
        " pikepdf, on the server: ask its administrator to install them."
    )
