"""The tests of `tools/dev test`: one pytest process, or two side by side (see lanes.py)."""

import json
import os
import selectors
import tempfile
import time
from pathlib import Path

from . import lanes, npm, python
from .place import ADDON, ROOT, read_json, write_json
from .ui import say

#: after so many seconds without a line it is said what is still running
SILENCE = 60
#: pytest's exit statuses that say nothing else than what the tally knows: failures, no tests
TOLD = (0, 1, 5)


def run(session, arguments, keep):
    """Run tests on throw-away databases; returns the exit status."""
    databases = session.databases
    axe = npm.axe_core(session.place)
    template = databases.throw_away(demo=True, suffix="_template")
    side_by_side = lanes.wanted(arguments) and (os.cpu_count() or 1) > 1
    names = [
        databases.throw_away(demo=True, suffix=suffix)
        for suffix in (("_1", "_2") if side_by_side else ("",))
    ]
    try:
        commands = [_command(session, name, arguments) for name in names]
        python_path = os.pathsep.join([session.env["PYTHONPATH"], str(ROOT / "tools")])
        env = {
            **session.env,
            "BILLING_TEST_TEMPLATE": template,
            "BILLING_TEST_BASE": databases.base(demo=False),
            "PYTHONPATH": python_path,
        }
        if axe:
            env["BILLING_TEST_AXE"] = str(axe)
        if not side_by_side:
            command = [*commands[0], "--durations", "15"]
            return python.call(command, env=env, cwd=session.place.links)
        with Run(session.place, commands, env, arguments) as lanes_run:
            return lanes_run.status()
    finally:
        databases.drop_own_runs(keep=names if keep else [])
        if keep:
            say(f"- kept the database {' and '.join(names)}")


def _command(session, database, arguments):
    place = session.place
    command = [session.odoo.python, "-m", "pytest", "-c", place.addon / "pyproject.toml"]
    command += ["--rootdir", place.links, "-p", "no:cacheprovider", "-p", "test_rules"]
    command += ["--odoo-http"]
    command += ["--odoo-database", database, "--odoo-config", session.config]
    command += ["--odoo-log-level", "error"]
    chosen = [str(place.links / ADDON / a) for a in arguments if a.startswith("tests/")]
    command += chosen or [place.addon / "tests"]
    return command + [a for a in arguments if not a.startswith("tests/")]


class Lane:
    """One of the processes, and what of its pipe has not been read to the end of a line."""

    def __init__(self, number, command, env, log, order, cwd):
        self.number = number
        self.log = log
        self.rest = b""
        self.current = ""  # the test that is running
        self.line = ""  # what is to be printed of the file that it lies in
        self.read, write = os.pipe()
        env = {**env, "BILLING_TEST_LANE": json.dumps({**order, "lane": number, "events": write})}
        try:
            with open(log, "w", encoding="utf-8") as sink:
                self.process = python.start(
                    command, env=env, cwd=cwd, stdout=sink, stderr=sink, pass_fds=(write,)
                )
        finally:
            os.close(write)

    def events(self):
        """What it has told since the last call; None where it will not tell any more."""
        data = os.read(self.read, 1 << 16)
        if not data:
            return None
        *lines, self.rest = (self.rest + data).split(b"\n")
        return [json.loads(line) for line in lines]


class Run:
    """A run in lanes: starts the processes, prints how they get on and what came of it."""

    def __init__(self, place, commands, env, arguments):
        self.place = place
        self.commands = commands
        self.env = env
        self.junit = [a.split("=", 1)[1] for a in arguments if a.startswith(lanes.JUNIT)][-1:]
        self.measured_file = place.cache / "test-seconds.json"
        self.tally = lanes.Tally()
        self.lanes = []
        self.died = []
        self.interrupted = False

    def __enter__(self):
        self.begun = self.last_line = time.monotonic()
        self.folder = tempfile.TemporaryDirectory(prefix="billing-test-", dir=self.place.checkout)
        folder = Path(self.folder.name)
        self.reports = [folder / f"junit-{number}.xml" for number in range(lanes.LANES)]
        order = {"measured": read_json(self.measured_file)}
        for number, command in enumerate(self.commands):
            command = [*command, "-p", "test_lanes"]
            command += ["--junitxml", self.reports[number]] if self.junit else []
            log = self.place.log(f"test-{number + 1}")
            self.lanes.append(Lane(number, command, self.env, log, order, self.place.links))
        return self

    def __exit__(self, kind, *_error):
        for lane in self.lanes:
            python.end(lane.process, interrupt=kind is not KeyboardInterrupt)
            os.close(lane.read)
        self.folder.cleanup()

    def status(self):
        """Follow the lanes to their end; returns the exit status."""
        say("- tests in two lanes: `1` and `2` say which; all that they print is in")
        say(f"  {self.lanes[0].log} and {self.lanes[1].log.name}")
        self._follow()
        problems = [*self.tally.problems(), *self.died]
        self._print_failures(problems)
        self._print_slowest()
        self._print_summary()
        if self.junit:
            lanes.merge_junit(self.reports, self.junit[0])
        self._remember()
        counts = self.tally.counts(more_errors=len(problems))
        say(lanes.closing_line(counts, time.monotonic() - self.begun))
        return 1 if counts["failed"] or counts["errors"] else 0

    def _follow(self):
        with selectors.DefaultSelector() as selector:
            for lane in self.lanes:
                selector.register(lane.read, selectors.EVENT_READ, lane)
            while selector.get_map():
                for key, _mask in selector.select(timeout=5):
                    lane, events = key.data, key.data.events()
                    for event in events or ():
                        self._take(lane, event)
                    if events is None:
                        selector.unregister(lane.read)
                        self._ended(lane)
                self._say_what_is_running()

    def _take(self, lane, event):
        before = len(self.tally.failures)
        letter = self.tally.add(lane.number, event)
        if "start" in event:
            file = event["start"].split("::")[0]
            if file != lane.current.split("::")[0] or len(lane.line) > 70:
                self._print_line(lane)
                lane.line = f"{lane.number + 1} {file} "
            lane.current = event["start"]
        lane.line += letter
        if len(self.tally.failures) > before:
            test, phase = list(self.tally.failures)[-1]
            self._say(f"{lane.number + 1} FAILED {test} ({phase})")

    def _print_line(self, lane):
        if lane.line:
            done = len(self.tally.ended) * 100 // max(self.tally.total, 1)
            self._say(f"{lane.line:<73}[{done:3}%]")
        lane.line = ""

    def _say(self, text):
        self.last_line = time.monotonic()
        say(text)

    def _say_what_is_running(self):
        if time.monotonic() - self.last_line > SILENCE:
            seconds = time.monotonic() - self.begun
            running = " and ".join(lane.current for lane in self.lanes if lane.current)
            self._say(f"  {seconds:.0f} s, still in {running or 'the preparation'}")

    def _ended(self, lane):
        """A lane will not tell any more: wait for its process."""
        status = lane.process.wait()
        self._print_line(lane)
        lane.current = ""
        if status not in TOLD and not self.tally.refused:
            tail = lane.log.read_text(encoding="utf-8", errors="replace").splitlines()[-30:]
            self.died.append("\n".join([f"Lane {lane.number + 1} died, status {status}.", *tail]))

    def _print_failures(self, problems):
        if self.tally.failures or problems:
            say(" FAILURES ".center(80, "="))
        for (test, phase), text in self.tally.failures.items():
            say(f" {test} ({phase}) ".center(80, "_"))
            say(text)
        for problem in problems:
            say(problem)

    def _print_slowest(self):
        say(" slowest 15 durations ".center(80, "="))
        for seconds, phase, test in self.tally.slowest(15):
            say(f"{seconds:.2f}s {phase:<8} {test}")

    def _print_summary(self):
        if self.tally.failures:
            say(" short test summary info ".center(80, "="))
        for (test, phase), text in self.tally.failures.items():
            reason = [line[4:].strip() for line in text.splitlines() if line.startswith("E   ")][:1]
            word = "FAILED" if phase in ("call", "subtest") else "ERROR"
            say(" - ".join([f"{word} {test}", *reason]))

    def _remember(self):
        """Keep how long each class took: the next run is divided by that."""
        measured = {**read_json(self.measured_file), **self.tally.seconds()}
        there = {key for key in measured if (self.place.links / key.split("::")[0]).exists()}
        write_json(self.measured_file, {key: measured[key] for key in there})
