"""axe-core looks at every portal page of the addon in a real browser, as wide as a desk's and a phone's
window, and none of them scrolls sideways. The pages are those of `portal_routes.py`."""

from datetime import date

from odoo.tests import tagged

from .axe_common import AxeCase
from .common import needs_program
from .portal_routes import ROUTES
from .test_portal_routes import PortalRoutesCase

WIDTHS = {"a desk": 1366, "a phone": 390}
# Odoo's own widgets, drawn by Odoo alike in every addon: (rule, where it is broken, why).
CORE = (("image-alt", ".o_portal_docs img", "pictures of the cards have no text"),)
# Opens each page in a frame of its width, presses what is to be pressed, and lets axe-core look at it.
LOOK = """
    const loaded = (frame) => new Promise((resolve) => {
        frame.addEventListener("load", resolve, { once: true });
    });
    const axe = await (await fetch(AXE)).text();
    for (const page of PAGES) {
        const frame = document.createElement("iframe");
        frame.style = `width: ${page.width}px; height: 844px; border: 0`;
        frame.src = page.path;
        const arrival = loaded(frame);
        document.body.append(frame);
        await arrival;
        if (page.press) {
            const next = loaded(frame);
            frame.contentDocument.querySelector(page.press).click();
            await next;
        }
        const { contentDocument: there, contentWindow: window } = frame;
        if (!there.querySelector(page.shows)) {
            found.push(`${page.name}: ${page.shows} is not on ${window.location.pathname}`);
        }
        const root = there.documentElement;
        if (root.scrollWidth > root.clientWidth) {
            found.push(`${page.name}: ${root.scrollWidth} px in ${root.clientWidth}`);
        }
        window.eval(axe);
        judge(page, there, await window.axe.run(there.querySelector("main") || there.body));
        frame.remove();
    }
"""


@needs_program("npm")
@tagged("post_install", "-at_install")
class TestPortalAccessibility(PortalRoutesCase, AxeCase):
    def setUp(self):
        super().setUp()
        self.company.write({"billing_portal_suspend": True, "billing_portal_end": True})
        self.tariff.write({"portal_public": True, "portal_parameters": False})
        later = self.make_run(self.cycle, date(2026, 2, 28))
        later._execute("posting")
        self.pay(
            self.bill_of(later, self.customer).move_ids
        )  # a bill that is paid, beside the open one
        self.service = self.own.service
        self.service._activate(self.service.date_start or self.company._billing_today())

    def pages(self):
        """Return the pages of a customer: ``(name, path, what shows, what is pressed first)``."""
        found = [("home", "/my/home", ".o_portal_my_home, .o_portal_docs", None)]
        for rule, route in ROUTES.items():
            if route.kind == "page" and route.customers:
                found.append((rule, self.address(rule, self.own), "#wrap", None))
        for kind in ("suspend", "end"):
            path = f"/my/services/{self.service.id}/{kind}"
            button = ".o_billing_request_form button[type='submit']"
            found.append((f"{kind}, confirmed", path, ".o_billing_confirm", button))
        return found

    def look(self, size):
        pages = [
            {
                "name": f"{name} on {size}",
                "path": path,
                "shows": shows,
                "press": press,
                "width": WIDTHS[size],
            }
            for name, path, shows, press in self.pages()
        ]
        self.look_at("/my/home", LOOK, CORE, pages, login="own", timeout=240)

    def test_no_page_has_a_serious_violation_on_a_desk(self):
        self.look("a desk")

    def test_no_page_has_a_serious_violation_on_a_phone(self):
        self.look("a phone")
