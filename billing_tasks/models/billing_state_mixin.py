from odoo import api, models
from odoo.exceptions import UserError

from ..proof import has_proof, with_proof
from ..texts import labels


class BillingStateMixin(models.AbstractModel):
    """A state that moves by a table, and fields that only the model's own methods write.

    A model names its table in ``_get_transitions``, and its fields in the two sets below. Its
    methods move records with ``_set_state``, and write its other own fields through ``_own``. Everybody
    else is refused, with a sentence of the model's own.
    """

    _name = "billing.state.mixin"
    _description = "States and Own Fields"

    #: written by the model's own methods alone: other code is refused, whoever runs it
    _own_fields = frozenset()
    #: also by other code that runs as the system; people are refused
    _system_fields = frozenset({"state"})

    # === HOOKS === #

    @api.model
    def _get_transitions(self):
        """Return ``{state: the states that may follow}``, the first state first.

        Must be overridden by the model. A floor above, or an addon, that adds a state to the
        field extends the table with ``super()``.
        """
        raise NotImplementedError(f"{self._name} has no table of states")

    @api.model
    def _get_start_text(self):
        """Return the sentence for a new record in another state than the first.

        None, the default, where records may come in any state. Overridden by models whose
        records always start at the beginning.
        """
        return None

    @api.model
    def _get_own_text(self, names):
        """Return the sentence for somebody who writes own fields.

        Overridden by models that can say better what to do instead.

        :param set names: the fields
        """
        labels = (self._fields[name]._description_string(self.env) for name in sorted(names))
        return self.env._(
            "%(model)s: %(fields)s cannot be set by hand. Use the buttons.",
            model=self.env["ir.model"]._get(self._name).sudo().name,
            fields=", ".join(labels),
        )

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        if not self._is_own():
            for vals in vals_list:
                self._check_new(vals)
        return super().create(vals_list)

    def write(self, vals):
        if not self._is_own() and (names := self._own_names(vals)):
            self.check_access("write")
            raise UserError(self._get_own_text(names))
        return super().write(vals)

    @api.model
    def _check_new(self, vals):
        start = next(iter(self._get_transitions()))
        if vals.get("state", start) != start and (text := self._get_start_text()):
            raise UserError(text)
        names = self._own_names(name for name in vals if name != "state" and vals[name])
        if names and not self.env.su:
            self.check_access("create")
            raise UserError(self._get_own_text(names))

    @api.model
    def _own_names(self, names):
        """Return those of the field ``names`` that whoever is at work must not write."""
        own = self._own_fields
        if not self.env.su:
            own = own | self._system_fields
        return set(own.intersection(names))

    # === BUSINESS === #

    def _own(self):
        """Return the same records for the model's own methods, which may write what others must
        not."""
        return with_proof(self, self._name)

    @api.model
    def _is_own(self):
        """Return whether one of the model's own methods is at work."""
        return has_proof(self.env, self._name)

    def _set_state(self, state, values=None, sources=None):
        """Move records to ``state``, in one write with further ``values``.

        Those already there are left alone, so repeating it does nothing.

        :param values: a dict, or a function that returns one for a record
        :param sources: the states to come from, where an action takes fewer than the table
        :return: the records that moved
        :raise UserError: one of them cannot come to ``state``
        """
        todo = self._to_move(state, sources)
        if callable(values):
            for record in todo:
                record._own().write({"state": state, **values(record)})
        elif todo:
            todo._own().write({"state": state, **(values or {})})
        return todo

    def _to_move(self, state, sources=None):
        """Return the records that are not in ``state`` yet, after checking that all can come to it.

        For actions that do something else before they move them; see ``_set_state``.
        """
        transitions = self._get_transitions()
        todo = self.filtered(lambda record: record.state != state)
        for record in todo:
            before = record.state
            if state not in transitions.get(before, ()) or (sources and before not in sources):
                raise UserError(record._cannot_move_text(state))
        return todo

    def _cannot_move_text(self, state):
        states = labels(self, "state")
        return self.env._(
            "%(record)s is %(old)s and cannot become %(new)s.",
            record=self.display_name,
            old=states[self.state].lower(),
            new=states[state].lower(),
        )
