"""Starting the programs that print: limits, and surroundings without anything of Odoo: no ORM."""

import os
import signal
import subprocess
from contextlib import suppress

#: there is nothing behind this address: what goes through it goes nowhere
NOWHERE = "http://127.0.0.1:9"


class PrintError(Exception):
    """A document could not be printed; the reason in words."""


def surroundings(folder: str, fonts: str) -> dict[str, str]:
    """Return the environment of a program that prints.

    :param folder: that it may write into
    :param fonts: path of the ``fonts.conf`` to use
    """
    env = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    env.update(HOME=folder, TMPDIR=folder, XDG_RUNTIME_DIR=folder, XDG_CACHE_HOME=folder)
    if fonts:
        env["FONTCONFIG_FILE"] = fonts
    return env


def start(
    command: list[str], memory: int | None = None, redirect: str = "", **options
) -> subprocess.Popen:
    """Start a program with a limit of memory, which Odoo's own limit says nothing about.

    :param memory: bytes; None for as many as the system allows
    :param redirect: further redirections, as the shell writes them
    """
    limit = memory // 1024 if memory else "unlimited"
    script = f'ulimit -S -v {limit} 2>/dev/null; exec "$0" "$@" {redirect}'
    return subprocess.Popen(["/bin/sh", "-c", script, *command], start_new_session=True, **options)


def stop(process: subprocess.Popen) -> None:
    """End a program and what it started."""
    with suppress(ProcessLookupError):  # it has ended by itself
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
