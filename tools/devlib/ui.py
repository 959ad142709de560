"""What the person at the terminal sees, and how programs are run for them."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time

#: files locked by this process, given to the programs it runs: a lock is then free only when those
#: have ended too, also where this process was killed and they were not
LOCKED = set()


class Failure(Exception):
    """Something the person can act on: one sentence with what is wrong and the way out."""


def say(text=""):
    print(text, flush=True)


class Step:
    """A long step: says that it starts, that it is still going, and how long it took.

    On a terminal one line is rewritten in place; in a log a line is added every 15 seconds."""

    def __init__(self, title):
        self.title = title
        self.detail = ""
        self._stop = threading.Event()
        self._tty = sys.stdout.isatty()

    def __enter__(self):
        self._start = time.monotonic()
        if not self._tty:
            say(f"- {self.title} ...")
        self._thread = threading.Thread(target=self._show, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind, value, trace):
        self._stop.set()
        self._thread.join()
        seconds = time.monotonic() - self._start
        end = f"done in {seconds:.0f} s" if kind is None else f"stopped after {seconds:.0f} s"
        if self._tty:
            sys.stdout.write("\r\033[K")
            say(f"- {self.title}: {end}")
        else:
            say(f"  {end}")

    def _show(self):
        while not self._stop.wait(1 if self._tty else 15):
            seconds = time.monotonic() - self._start
            detail = f", {self.detail}" if self.detail else ""
            if self._tty:
                line = f"- {self.title} ({seconds:.0f} s{detail})"
                sys.stdout.write("\r\033[K" + line[: os.get_terminal_size().columns - 1])
                sys.stdout.flush()
            else:
                say(f"  {seconds:.0f} s{detail}")


def die_with_parent(signal_number=signal.SIGKILL):
    """A `preexec_fn`: the child ends when this process is killed, whatever way."""
    parent = os.getpid()
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

    def set_up():
        if libc is None:
            return
        libc.prctl(1, int(signal_number))  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(1)

    return set_up


def run(command, *, env=None, log=None, on_line=None, cwd=None, stdin=None):
    """Run `command` to its end with its output in the file `log`.

    Each output line is given to `on_line`. Returns (exit status, list of the last lines)."""
    tail = []
    with (
        open(log or os.devnull, "a", encoding="utf-8", errors="replace") as sink,
        subprocess.Popen(
            [str(part) for part in command],
            env=env,
            cwd=cwd,
            stdin=stdin or subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            preexec_fn=die_with_parent(),
            pass_fds=tuple(LOCKED),
        ) as process,
    ):
        try:
            for line in process.stdout:
                sink.write(line)
                sink.flush()
                tail = [*tail[-19:], line.rstrip()]
                if on_line:
                    on_line(line)
        except BaseException:
            process.kill()
            raise
    return process.returncode, tail


def output(command, *, env=None):
    """Standard output of a short command, or None when it fails or does not exist."""
    try:
        done = subprocess.run(
            [str(part) for part in command],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
