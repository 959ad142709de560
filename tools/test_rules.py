"""How the tests are run: their order, what is made once for them, and what counts as a failure
besides a failed assertion.

A pytest plugin that tools/dev loads; as tests/conftest.py pytest would import it, and with it the
addon, under a name that Odoo refuses."""

import functools
import inspect
import logging
import os
from contextlib import contextmanager

import freezegun
import pytest
from devlib import programs
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

#: what the tests' pages consist of
BUNDLES = (
    "bus.websocket_worker_assets",
    "web.assets_backend_lazy",
    "web.assets_frontend",
    "web.assets_tests",
    "web.assets_web",
    "web.assets_web_print",
)

# Tests that freeze the time do not stop pytest's own clock.
freezegun.configure(extend_ignore_list=["_pytest.timing"])


@functools.cache
def _opens_a_browser(cls):
    """Does a class use one of Odoo's two ways into a browser?"""
    from odoo.tests import HttpCase

    if not issubclass(cls, HttpCase):
        return False
    own = "".join(inspect.getsource(base) for base in set(cls.mro()) - set(HttpCase.mro()))
    return "start_tour(" in own or "browser_js(" in own


def _in_a_browser(item):
    return _opens_a_browser(getattr(item, "cls", None) or object)


def needs(item):
    """Return what a test needs for itself, if anything: `browser` or `processes`. No other test
    that needs the same runs beside it."""
    if _in_a_browser(item):
        return "browser"
    return "processes" if item.get_closest_marker("process") else None


def _rank(item):
    """Pure tests first, then the ORM, then worker processes, then browsers."""
    from odoo.tests import TransactionCase

    if need := needs(item):
        return 3 if need == "browser" else 2
    return 1 if issubclass(getattr(item, "cls", None) or object, TransactionCase) else 0


def pytest_collection_modifyitems(items):
    items.sort(key=_rank)


# === WHAT IS MADE ONCE === #


@contextmanager
def _committed():
    """An environment whose work is there for all tests of this process."""
    from odoo import SUPERUSER_ID, api
    from odoo.modules.registry import Registry
    from odoo.tests.common import get_db_name

    with Registry(get_db_name()).cursor() as cr:
        yield api.Environment(cr, SUPERUSER_ID, {})


@pytest.fixture(scope="session", autouse=True)
def prepared_provider(request, load_registry):
    """The company that most test classes begin with, made once where several of them are run."""
    classes = {item.cls for item in request.session.items if hasattr(item.cls, "prepare_provider")}
    if len(classes) > 1:
        with _committed() as env:
            next(iter(classes)).prepare_provider(env)


def prepare_browser(session):
    """Make the bundles of the web client once, not in each class that a browser looks at."""
    if getattr(session, "billing_bundles", False):
        return
    session.billing_bundles = True
    from odoo.tests import common

    # A busy machine may take longer than Odoo's ten seconds to start the first browser.
    common.CHECK_BROWSER_ITERATIONS = 600
    if len({item.cls for item in session.items if _in_a_browser(item)}) > 1:
        with _committed() as env:
            for bundle in BUNDLES:
                made = env["ir.qweb"]._get_asset_bundle(bundle)
                made.js()
                made.css()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item):
    if _in_a_browser(item):
        prepare_browser(item.session)


# === WHAT COUNTS AS A FAILURE === #


def lacking(item):
    """Return why a test cannot be run on this machine, in one sentence; None where it can."""
    wanted = {("chromium",)} if _in_a_browser(item) else set()
    wanted.update(marker.args for marker in item.iter_markers("program"))
    if os.environ.get("BILLING_TEST_AXE"):
        wanted.discard(("npm",))  # has done its work
    missing = programs.lacking(sorted(wanted))
    if not missing:
        return None
    return f"{item.nodeid} needs what is not on this machine: {', '.join(missing)}."


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    if sentence := lacking(item):
        pytest.fail(sentence, pytrace=False)


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
