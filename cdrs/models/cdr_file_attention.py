from odoo import api, models
from odoo.fields import Domain

from ...billing_tasks.texts import labels

#: states in which a file goes no further by itself
ATTENTION_STATES = ("pending", "error", "duplicate", "held")


class CdrFile(models.Model):
    """Which files wait for a person: the banner on top of the menu's lists, and the start page."""

    _inherit = "cdr.file"

    @api.model
    def _attention_domain(self, state=None):
        """Return the domain of the files that wait for a person, of one state or of all."""
        companies = Domain("company_id", "in", self.env.companies.ids)
        return companies & Domain("state", "in", [state] if state else ATTENTION_STATES)

    @api.model
    def _attention_counts(self):
        """Return ``[(state, what people read, number of files)]`` of the files that wait for a
        person, in one query."""
        counts = dict(self._read_group(self._attention_domain(), ["state"], ["__count"]))
        names = labels(self, "state")
        return [
            (state, names[state], counts[state]) for state in ATTENTION_STATES if counts.get(state)
        ]

    @api.model
    @api.readonly
    def get_attention(self):
        """Return what the banner says: a dict for each state with ``state``, ``label``, ``count``, and
        the ``domain`` of these files; nothing where all is well, and for those who see no files."""
        if not self.has_access("read"):
            return []
        return [
            {
                "state": state,
                "label": name,
                "count": count,
                "domain": list(self._attention_domain(state)),
            }
            for state, name, count in self._attention_counts()
        ]
