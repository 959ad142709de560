"""axe-core, as the tests that look at screens and at the portal's pages have it."""

import json
import os
from pathlib import Path

from odoo.tests import HttpCase

# What a page adds to `found`: what axe-core holds for serious there, but for what is Odoo's own.
JUDGE = """
    const found = [];
    const judge = (page, there, { violations }) => {
        for (const { id, impact, nodes } of violations) {
            for (const { target, html, failureSummary } of nodes) {
                const core = CORE.some(
                    ([rule, where]) => rule === id && there.querySelector(target).matches(where)
                );
                if (["serious", "critical"].includes(impact) && !core) {
                    found.push(`${page.name}: ${id}: ${html}\\n${failureSummary}`);
                }
            }
        }
    };
"""


class AxeCase(HttpCase):
    def setUp(self):
        super().setUp()
        self.axe = self.env["ir.attachment"].create(
            {
                "name": "axe.min.js",
                "raw": Path(os.environ["BILLING_TEST_AXE"]).read_bytes(),
                "mimetype": "application/javascript",
                "public": True,
            }
        )

    def look_at(self, path, look, core, pages, **options):
        """Run in a browser what looks at pages.

        :param look: JavaScript that knows ``AXE``, the address of axe-core, and ``PAGES``; it hands what
            axe-core says of a page to ``judge`` and adds what else is wrong to ``found``
        :param core: Odoo's own faults: ``(rule, where, why)``
        """
        url = f"/web/content/{self.axe.id}/axe.min.js"
        values = {"CORE": core, "PAGES": pages, "AXE": url}
        known = "\n".join(f"const {name} = {json.dumps(value)};" for name, value in values.items())
        code = f"""
(async () => {{
{known}
{JUDGE}
{look}
    if (found.length) {{
        throw new Error(found.join("\\n"));
    }}
    console.log("test successful");
}})();
"""
        self.browser_js(path, code, **options)
