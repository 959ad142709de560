"""What measurements are made beside: the packages of requirements-bench.txt, and this addon as it was."""

import shutil
import subprocess

from .place import ADDON, ROOT, digest
from .ui import Failure, Step, run

PACKAGES = ROOT / "requirements-bench.txt"
#: the build whose speed the first figures of record are of
FIRST = "ba3a4eb"


def variables(place, odoo):
    """Return the variables that tell measurements where their peers' addons lie.

    `BILLING_BENCH_FIRST` is left out where the repository does not know that build, as in a copy
    without its history."""
    found = {"BILLING_BENCH_PEERS": str(_packages(place, odoo))}
    if first := _first_build(place):
        found["BILLING_BENCH_FIRST"] = str(first)
    return found


def _packages(place, odoo):
    """The addons folder of the locked packages, which nothing but measurements can see."""
    folder = place.cache / f"bench-{digest(PACKAGES.read_text(encoding='utf-8'))}"
    if not folder.exists():
        new = folder.with_name(folder.name + ".new")
        shutil.rmtree(new, ignore_errors=True)
        log = place.log("bench")
        with Step("installing what is measured beside"):
            command = [odoo.python, "-m", "pip", "install", "--quiet", "--no-input", "--no-deps"]
            command += ["--disable-pip-version-check", "--no-cache-dir", "--only-binary", ":all:"]
            command += ["--require-hashes", "--target", new, "-r", PACKAGES]
            status, tail = run(command, log=log)
        if status:
            raise Failure(
                f"The packages of {PACKAGES.name} could not be installed "
                f"({(tail or ['no output'])[-1].strip()}). Check the network and pip's settings, "
                f"then start again. Details: {log}"
            )
        new.rename(folder)
    return folder / "odoo" / "addons"


def _first_build(place):
    """A folder that holds the first build under the addon's name, or None."""
    folder = place.cache / f"build-{FIRST}"
    if not folder.exists():
        packed = subprocess.run(
            ["git", "-C", ROOT, "archive", FIRST], capture_output=True, check=False
        )
        if packed.returncode:
            return None
        new = folder.with_name(folder.name + ".new")
        shutil.rmtree(new, ignore_errors=True)
        (new / ADDON).mkdir(parents=True)
        subprocess.run(["tar", "-x", "-C", new / ADDON], input=packed.stdout, check=True)
        new.rename(folder)
    return folder
