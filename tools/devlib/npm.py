"""axe-core, which checks pages for accessibility in the tests: fetched by npm with the person's own
settings, locked by version and hash."""

import base64
import hashlib
import io
import tarfile
import tempfile
from pathlib import Path

from . import programs
from .ui import Failure, Step, run

NAME, VERSION = "axe-core", "4.14.1"
#: as `npm view axe-core@VERSION dist.integrity` says it
INTEGRITY = "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
PROGRAM = "axe.min.js"


def axe_core(place):
    """Path of axe-core's program in the cache; fetched when it is not there yet, None where it is
    not there and npm, which fetches it, is not on this machine."""
    file = place.cache / f"{NAME}-{VERSION}" / PROGRAM
    if file.exists():
        return file
    if programs.missing(["npm"]):
        return None
    with place.lock("setup", "setting up"):
        if not file.exists():
            with Step(f"fetching {NAME} {VERSION}"):
                package = _fetch(place)
            _check(package)
            with tarfile.open(fileobj=io.BytesIO(package)) as archive:
                program = archive.extractfile(f"package/{PROGRAM}").read()
            file.parent.mkdir(exist_ok=True)
            part = file.with_suffix(".part")
            part.write_bytes(program)
            part.replace(file)
    return file


def _fetch(place):
    log = place.log("npm")
    with tempfile.TemporaryDirectory(dir=place.cache) as folder:
        command = ["npm", "pack", f"{NAME}@{VERSION}", "--pack-destination", folder]
        status, tail = run([*command, "--cache", f"{folder}/cache"], log=log, cwd=folder)
        packages = list(Path(folder).glob("*.tgz"))
        if status or not packages:
            errors = [line for line in tail if "ERR" in line or "error" in line] or tail
            why = "".join(errors[:1]).strip() or "no answer"
            raise Failure(
                f"{NAME} could not be fetched ({why}). Check the network and npm's settings, then "
                f"start again. Details: {log}"
            )
        return packages[0].read_bytes()


def _check(package):
    found = "sha512-" + base64.b64encode(hashlib.sha512(package).digest()).decode()
    if found != INTEGRITY:
        raise Failure(
            f"{NAME} {VERSION} is not the one that was locked (its hash differs), so it is not "
            "used. Start again; if it stays so, look at npm's settings."
        )
