"""axe-core, which checks pages for accessibility in the tests: from the npm registry, locked by
version and hash. Where npm is installed it fetches, with the person's own settings; else nothing
of it is needed."""

import base64
import hashlib
import io
import os
import shutil
import tarfile
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from .ui import Failure, Step, run

NAME, VERSION = "axe-core", "4.14.1"
#: as `npm view axe-core@VERSION dist.integrity` says it
INTEGRITY = "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
PROGRAM = "axe.min.js"
REGISTRY = ""


def axe_core(place):
    """Path of axe-core's program in the cache; fetched when it is not there yet."""
    file = place.cache / f"{NAME}-{VERSION}" / PROGRAM
    if file.exists():
        return file
    with place.lock("setup", "setting up"):
        if not file.exists():
            with Step(f"fetching {NAME} {VERSION}"):
                package = _with_npm(place) if shutil.which("npm") else _download()
            _check(package)
            with tarfile.open(fileobj=io.BytesIO(package)) as archive:
                program = archive.extractfile(f"package/{PROGRAM}").read()
            file.parent.mkdir(exist_ok=True)
            part = file.with_suffix(".part")
            part.write_bytes(program)
            part.replace(file)
    return file


def _with_npm(place):
    log = place.log("npm")
    with tempfile.TemporaryDirectory(dir=place.cache) as folder:
        command = ["npm", "pack", f"{NAME}@{VERSION}", "--pack-destination", folder]
        status, tail = run([*command, "--cache", f"{folder}/cache"], log=log, cwd=folder)
        packages = list(Path(folder).glob("*.tgz"))
        if status or not packages:
            errors = [line for line in tail if "ERR" in line or "error" in line] or tail
            raise _failure("".join(errors[:1]), f" Details: {log}")
        return packages[0].read_bytes()


def _download():
    registry = os.environ.get("npm_config_registry", REGISTRY).rstrip("/")
    try:
        with urllib.request.urlopen(f"{registry}/{NAME}/-/{NAME}-{VERSION}.tgz") as answer:
            return answer.read()
    except (OSError, urllib.error.URLError) as error:
        raise _failure(str(error)) from error


def _failure(why, details=""):
    return Failure(
        f"{NAME} could not be fetched ({why.strip() or 'no answer'}). Check the network and npm's "
        f"settings (npm_config_registry names another registry), then start again.{details}"
    )


def _check(package):
    found = "sha512-" + base64.b64encode(hashlib.sha512(package).digest()).decode()
    if found != INTEGRITY:
        raise Failure(
            f"{NAME} {VERSION} is not the one that was locked (its hash differs), so it is not "
            "used. Start again; if it stays so, look at the registry set for npm."
        )
