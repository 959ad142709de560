"""How the tests are run: their order, and what counts as a failure besides a failed assertion.

A pytest plugin that tools/dev loads; as tests/conftest.py pytest would import it, and with it the
addon, under a name that Odoo refuses."""

import logging

import freezegun
import pytest
from hypothesis import HealthCheck, settings

# The same examples on every run: a red test is red again when one looks at it.
settings.register_profile(
    "billing",
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)
settings.load_profile("billing")

# Tests that freeze the time do not stop pytest's own clock.
freezegun.configure(extend_ignore_list=["_pytest.timing"])


def _rank(item):
    """Pure tests first, then the ORM, then worker processes, then browsers."""
    from odoo.tests import HttpCase, TransactionCase

    cls = getattr(item, "cls", None) or object
    if issubclass(cls, HttpCase):
        return 3
    if item.get_closest_marker("process"):
        return 2
    return 1 if issubclass(cls, TransactionCase) else 0


def pytest_collection_modifyitems(items):
    items.sort(key=_rank)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """A skipped test is a failed one: nothing that was not run may look green."""
    report = yield
    if report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was not run: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report():
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was not collected: {report.longrepr}"
    return report


class _Errors(logging.Handler):
    def __init__(self):
        super().__init__(logging.ERROR)
        self.texts = []

    def emit(self, record):
        self.texts.append(f"{record.name}: {record.getMessage()}")


@pytest.fixture(autouse=True)
def no_logged_errors():
    """A test during which an error was logged has failed, whatever it asserted.

    Expected errors are caught by the test itself, with `mute_logger` or `assertLogs`."""
    handler = _Errors()
    root = logging.getLogger()
    root.addHandler(handler)
    yield
    root.removeHandler(handler)
    if handler.texts:
        pytest.fail("Errors were logged:\n" + "\n".join(handler.texts), pytrace=False)
