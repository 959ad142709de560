"""Odoo 19 and system programs from Debian, through the machine's own apt set-up.

The package `odoo-19` stands in Debian's unstable suite. It is fetched with private package lists
and unpacked into the cache, never installed: its dependencies would pull another libc in. apt
verifies the archive's signature as always; the mirror is the one the machine is set up with."""

import os
import re
import shutil
from pathlib import Path

from . import programs
from .place import digest, read_json, write_json
from .ui import Failure, Step, output, run, say

#: Odoo and the packages its front-end files are links into
PACKAGES = (
    "odoo-19",
    "libjs-jquery",
    "libjs-jquery-form",
    "libjs-underscore",
    "fonts-font-awesome",
    "fonts-roboto-unhinted",
    "fonts-montserrat",
    "fonts-inconsolata",
    "fonts-ocr-b",
    "fonts-glyphicons-halflings",
)
#: named by a bundle of the web client but left out by Debian
LEFT_OUT = "odoo/addons/mail/static/lib/selfie_segmentation/selfie_segmentation.js"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
PYTHON_PATH = "usr/lib/python3/dist-packages"
ELSEWHERE = (
    "On another system set ODOO_PATH to an Odoo 19 source tree whose Python environment is active."
)


def odoo_tree(place):
    """The folder with the `odoo` package of the unpacked tree; fetched when it is not there yet.

    The caller holds the set-up lock."""
    root = place.cache / f"odoo-{digest(*PACKAGES, LEFT_OUT)}"
    if read_json(root / "stamp.json"):
        return root / PYTHON_PATH
    for tool in ("apt-get", "dpkg"):
        if not shutil.which(tool):
            raise Failure(f"Odoo is taken from Debian, but {tool} is not here. {ELSEWHERE}")
    if not KEYRING.exists():
        raise Failure(
            f"Debian's archive key {KEYRING} is missing: install the package "
            f"debian-archive-keyring. {ELSEWHERE}"
        )
    place.need_disk(3000, "Odoo")
    shutil.rmtree(root, ignore_errors=True)
    apt = place.cache / "apt"
    downloads = apt / "debs"
    for folder in (apt / "lists/partial", apt / "cache/archives/partial", downloads):
        folder.mkdir(parents=True, exist_ok=True)
    log = place.log("odoo-download")
    with Step("finding Odoo 19 in Debian's package lists"):
        options = _private_lists(apt, log)
    with Step("downloading Odoo 19 (about 130 MB)"):
        status, tail = run(["apt-get", *options, "download", *PACKAGES], log=log, cwd=downloads)
    if status:
        raise _network_failure("download Odoo 19", tail, log)
    debs = [max(downloads.glob(f"{name}_*.deb"), key=os.path.getmtime) for name in PACKAGES]
    part = root.with_name(root.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    with Step("unpacking Odoo 19"):
        for deb in debs:
            status, tail = run(["dpkg", "-x", deb, part], log=log)
            if status:
                deb.unlink()
                raise Failure(
                    f"{deb.name} could not be unpacked ({_last(tail)}): start again; if it stays "
                    f"so, free disk space. Details: {log}"
                )
    missing = part / PYTHON_PATH / LEFT_OUT
    missing.parent.mkdir(parents=True, exist_ok=True)
    missing.touch()
    versions = {deb.name.split("_")[0]: deb.name.split("_")[1] for deb in debs}
    write_json(part / "stamp.json", versions)
    part.replace(root)
    shutil.rmtree(downloads)
    return root / PYTHON_PATH


def _private_lists(apt, log):
    """apt options for private lists of the unstable suite, brought up to date."""
    options = [
        "-o", f"Dir::Etc::SourceList={apt}/sources.list",
        "-o", "Dir::Etc::SourceParts=/dev/null",
        "-o", f"Dir::State::Lists={apt}/lists",
        "-o", f"Dir::Cache={apt}/cache",
        "-o", "APT::Sandbox::User=",
        "-o", "Acquire::Retries=2",
    ]  # fmt: skip
    if os.geteuid() == 0:
        # apt would fetch as its own user, who may not enter the cache folder
        options[options.index("APT::Sandbox::User=")] = "APT::Sandbox::User=root"
    mirrors = _mirrors()
    if not mirrors:
        raise Failure(
            "apt has no Debian mirror configured to take Odoo from: add one to "
            f"/etc/apt/sources.list. {ELSEWHERE}"
        )
    for mirror in mirrors:
        (apt / "sources.list").write_text(
            f"deb [signed-by={KEYRING}] {mirror} sid main\n", encoding="utf-8"
        )
        status, tail = run(
            ["apt-get", *options, "-o", "APT::Update::Error-Mode=any", "update"], log=log
        )
        if status == 0:
            return options
    raise _network_failure("read Debian's package lists", tail, log)


def _mirrors():
    """Addresses of the Debian mirrors that this machine's apt uses, in its own order."""
    found = output(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(LABEL)"]
        + ["Created-By: Packages", "Origin: Debian"]
    )
    lines = [line.split(" ", 1) for line in (found or "").splitlines()]
    mirrors = [address for address, label in lines if label.strip() == "Debian"]
    if not mirrors:  # no list was fetched yet: apt names no targets, read its sources
        mirrors = [a for a in _configured_mirrors() if "security" not in a]
    return list(dict.fromkeys(mirrors))


def _configured_mirrors():
    folder = Path("/etc/apt")
    for file in [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]:
        if file.suffix not in (".list", ".sources") or not file.is_file():
            continue
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            match = re.match(r"deb\s+(?:\[[^]]*\]\s+)?(\S+)\s", line) or re.match(
                r"(?i)uris:\s*(\S+)", line
            )
            if match and "debian" in match[1]:
                yield match[1]


def offer_programs(place, packages):
    """Install what is missing of optional programs where we may, and say what is missing then."""
    missing = programs.missing(packages)
    may = os.geteuid() == 0 and not os.environ.get("ODOO_PATH")
    offered = _candidates(place, missing, update=may) if missing else ()
    if may:
        for package in filter(offered.__contains__, missing):
            try:
                install_packages(place, [package])
            except Failure as failure:
                say(f"- {failure}")
    missing = programs.missing(packages)
    if missing:
        say(f"- {programs.sentence(missing, offered)}")


def _candidates(place, packages, update):
    """Those of `packages` that apt can install, as far as its lists tell."""
    if not shutil.which("apt-cache"):
        return ()
    env = {**os.environ, "LC_ALL": "C.UTF-8"}
    if not output(["apt-get", "indextargets", "Created-By: Packages"]):  # no list was fetched yet
        if not update:
            return packages
        run(["apt-get", "update"], env=env, log=place.log("apt-update"))
    return programs.candidates(output(["apt-cache", "policy", *packages], env=env) or "")


def install_packages(place, missing):
    names = " ".join(missing)
    if not shutil.which("apt-get"):
        raise Failure(f"Missing on this machine: {names}. Install them and start again.")
    if os.geteuid() != 0:
        raise Failure(
            f"Missing on this machine: {names}. Ask an administrator for "
            f"`apt-get install {names}`, then start again."
        )
    log = place.log("apt-install")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    with Step(f"installing {names}"):
        status, tail = run(command, env=env, log=log)
        if status:  # most often: no or old package lists
            status, tail = run(["apt-get", "update"], env=env, log=log)
            if status == 0:
                status, tail = run(command, env=env, log=log)
    if status:
        raise _network_failure(f"install {names}", tail, log)


def _last(tail):
    """The line that says most about why a program failed."""
    network = [line for line in tail if re.search("Could not|Temporary failure|timed out", line)]
    errors = [line for line in tail if line.startswith(("E:", "dpkg", "tar"))]
    return (network or errors or tail or ["no message"])[-1].strip().rstrip(".")


def _network_failure(what, tail, log):
    text = "\n".join(tail)
    if "No space left" in text:
        return Failure(f"Could not {what}: the disk is full. Free some space and start again.")
    if "Could not get lock" in text or "Unable to acquire" in text:
        return Failure(f"Could not {what}: another apt is running. Wait for it and start again.")
    return Failure(
        f"Could not {what} ({_last(tail)}). Check the network and apt's mirror, then start "
        f"again; what is complete is kept. Details: {log}"
    )
