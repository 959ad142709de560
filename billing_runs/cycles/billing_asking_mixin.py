from odoo import models
from odoo.exceptions import UserError


class BillingAskingMixin(models.AbstractModel):
    """Actions that ask first, with their figures.

    What posts, sends or cannot be taken back is asked for by ``_ask``: a dialog says in numbers
    and money what would happen, and calls the action when the person agrees. A model names such
    actions in :meth:`_questions`. Scripts and tasks call the actions themselves, which check rights
    and states all the same.
    """

    _name = "billing.asking.mixin"
    _description = "Asks First"

    def _questions(self):
        """Return ``{method: (title, question)}``: the actions that ask, what their dialog is
        called, and a function that returns what it asks about some records. Extended with
        ``super()``."""
        return {}

    def _asked(self, action):
        """Return title and question of an action.

        :raise UserError: it is none that asks first
        """
        questions = self._questions()
        if action not in questions:
            raise UserError(self.env._("This is no action that asks first."))
        return questions[action]

    def _ask(self, action):
        """Return the dialog of an action; None for no records."""
        if not self:
            return None
        self.check_access("read")
        title, question = self._asked(action)
        dialog = self.env["billing.question"].create(
            {
                "model": self._name,
                "record_ids": self.ids,
                "method": action,
                "text": question(self),
            }
        )
        return dialog._open(title)
