"""The fonts of a stylesheet, made known to the system's own font service: no ORM.

Text in a font that the system knows stays text in a PDF; wkhtmltopdf draws text in a web font as
outlines. A copy of each file stands in a folder of its own, with the name, weight and slant that
the stylesheet gives it.
"""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from xml.sax.saxutils import escape

#: what fontconfig calls the weights of CSS
WEIGHTS = {100: 0, 200: 40, 300: 50, 400: 80, 500: 100, 600: 180, 700: 200, 800: 205, 900: 210}
NAMED = {"normal": 400, "bold": 700, "lighter": 300, "bolder": 700}
SLANTS = {"italic": 100, "oblique": 110}
#: files that the system can read, the best first
KINDS = (".ttf", ".otf", ".woff")
SYSTEM = "/etc/fonts/fonts.conf"

RULE = """<match target="scan">
<test name="file" compare="eq"><string>{file}</string></test>
<edit name="family" mode="assign" binding="strong"><string>{family}</string></edit>
<edit name="weight" mode="assign" binding="strong"><int>{weight}</int></edit>
<edit name="slant" mode="assign" binding="strong"><int>{slant}</int></edit>
</match>"""
CONFIG = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
<cachedir>{folder}/cache</cachedir>
<dir>{folder}/files</dir>
<include ignore_missing="yes">{system}</include>
{rules}
</fontconfig>
"""


def find_files(faces, find) -> tuple[list, list]:
    """Return ``(faces with the file of each, faces without one)``.

    :param faces: of :class:`~.css.Face`
    :param find: returns the file of an address, None where the server has none
    """
    known, unknown = [], []
    for face in faces:
        addresses = [url.split("?")[0].split("#")[0] for url in face.urls]
        addresses = [url for kind in KINDS for url in addresses if url.endswith(kind)]
        file = next(filter(None, map(find, addresses)), None)
        if file:
            known.append((face, Path(file)))
        else:
            unknown.append(face)
    return known, unknown


def make_known(known, home: str) -> str:
    """Return the path of a ``fonts.conf`` that makes fonts known, written where there is none yet.

    :param known: pairs of :class:`~.css.Face` and file
    :param home: folder that Odoo keeps its data in
    """
    about = hashlib.sha256(CONFIG.encode())
    for face, file in known:
        size = file.stat().st_size
        about.update(f"{face.family}|{face.weight}|{face.style}|{file}|{size}\n".encode())
    folder = Path(home) / "billing_fonts" / about.hexdigest()[:16]
    config = folder / "fonts.conf"
    if not config.exists():
        _write(folder, known)
    return str(config)


def _write(folder, known):
    """Write the folder aside and then put it in its place, for others may do so as well."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=folder.parent))
    (aside / "files").mkdir()
    rules = []
    for number, (face, file) in enumerate(known):
        name = f"{number}{file.suffix}"
        shutil.copyfile(file, aside / "files" / name)
        weight = NAMED.get(face.weight) or int(face.weight) if face.weight.isalnum() else 400
        rules.append(
            RULE.format(
                file=escape(str(folder / "files" / name)),
                family=escape(face.family),
                weight=WEIGHTS.get(weight, 80),
                slant=SLANTS.get(face.style, 0),
            )
        )
    text = CONFIG.format(folder=escape(str(folder)), system=SYSTEM, rules="\n".join(rules))
    (aside / "fonts.conf").write_text(text)
    try:
        os.rename(aside, folder)
    except OSError:
        shutil.rmtree(aside)  # another process was faster
        if not (folder / "fonts.conf").exists():
            raise
