from odoo import api, models
from odoo.exceptions import AccessError

from ..start_entries import START_ENTRIES


class BillingStart(models.AbstractModel):
    """The start page: what waits for a person, what is at work, how the business is doing.

    It is drawn from the entries of ``_entry_registry``; what an entry is says ``StartEntry``.
    Every figure is counted with the user's own rights, in the companies that are selected.
    """

    _name = "billing.start"
    _description = "Start Page of Billing"

    @api.model
    @api.readonly
    def get_start_page(self):
        """Return the page as plain JSON: ``{"welcome", "entries": [...]}``.

        :raise AccessError: no entry is for the user
        """
        user = self.env.user
        entries = [entry for entry in self._entry_registry() if user.has_groups(entry.groups)]
        if not entries:
            raise AccessError(self.env._("You are not allowed to see the start page of Billing."))
        return {
            "welcome": self._first_step(),
            "entries": [
                self._show_entry(entry) for entry in sorted(entries, key=lambda entry: entry.place)
            ],
        }

    @api.model
    def _entry_registry(self):
        """Return the entries for all users, in any order: objects like those of
        ``start_entries.py``.

        A floor above, or an addon, extends the list with ``super()``. To put another entry in
        place of one, leave that out and keep its code.
        """
        return list(START_ENTRIES)

    @api.model
    def _first_step(self):
        """Return what there is to do first where nothing is set up yet: a dict with ``sentence``,
        ``label`` and ``action``; False where everything is there.

        A floor above says ``super()._first_step() or …``: what lies below comes first.
        """
        return False

    @api.model
    def _show_entry(self, entry):
        """Return what the page shows of an entry."""
        shown = entry.show(self.env)
        if not shown.get("rows") and not shown.get("sentence"):
            shown = {"sentence": entry.empty(self.env)}
        return {
            "code": entry.code,
            "title": self.env._(entry.title),
            "sentence": False,
            "head": [],
            "labels": 0,
            "rows": [],
            **shown,
        }
