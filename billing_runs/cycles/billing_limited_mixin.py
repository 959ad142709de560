from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import SQL


class BillingLimitedMixin(models.AbstractModel):
    """Limits to records that stay limits, whatever becomes of the records.

    A many2many field that is empty means "no limit". Deleting its records empties it, and would
    so take the limit away: then everybody is billed. What a person has chosen is therefore kept
    beside the fields, in ``limited_to``, by id and name. Only a person who empties the field takes
    the limit away; a limit whose records are all gone lets nothing through. Domains are built
    from :meth:`_limit_ids`, never from the field.

    A model names its limits in ``_limit_fields``. Where their records can be archived, the field
    sees archived ones: use ``criteria.limit_field``.
    """

    _name = "billing.limited.mixin"
    _description = "Limited to Records"

    _limit_fields = ()

    limited_to = fields.Json(
        readonly=True,
        copy=False,
        help="What each limit was set to, by id and name, records that are gone among them.",
    )
    lost_limits = fields.Text(
        compute="_compute_lost_limits",
        help="Limits whose records no longer exist or can no longer be billed.",
    )

    has_deleted_limits = fields.Boolean(compute="_compute_lost_limits")

    @api.depends(lambda self: ("limited_to", *self._limit_fields))
    def _compute_lost_limits(self):
        for record in self:
            record.lost_limits = "\n".join(record._lost_limit_texts()) or False
            record.has_deleted_limits = any(
                record._lost(name, record._limit(name) or {}) for name in self._limit_fields
            )

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        given = [set(vals) for vals in vals_list]
        if any("limited_to" in names for names in given):
            self._refuse_limited_to()
        records = super().create(vals_list)
        for record, names in zip(records, given, strict=True):
            record._state_limits(*record._take_over_limits(self._limit_fields, names))
        return records

    def write(self, vals):
        if "limited_to" in vals:
            self._refuse_limited_to()
        before = {record.id: record.limited_to or {} for record in self}
        result = super().write(vals)
        given = {name for name in self._limit_fields if name in vals}
        inherited = self._inherited_names(vals)
        for record in self if given or inherited else ():
            saved, own = record._take_over_limits(inherited, given)
            own |= given - inherited
            saved |= {name: before[record.id].get(name, {}) for name in own}
            record._state_limits(saved, own)
        return result

    def copy(self, default=None):
        copies = super().copy(default)
        names = [name for name in self._limit_fields if name not in (default or {})]
        for record, new in zip(self, copies, strict=True):
            limits = record.limited_to or {}
            new._state_limits({name: limits.get(name, {}) for name in names}, ())
        return copies

    def init(self):
        """Note the limits that were set before there was a place for them."""
        if not self._abstract:
            self.pool.post_init(self._fill_limits)
        return super().init()

    def _fill_limits(self):
        for name in self._limit_fields:
            field = self._fields[name]
            rows = self.env.execute_query(
                SQL(
                    "SELECT DISTINCT %(row)s FROM %(relation)s JOIN %(table)s ON id = %(row)s"
                    " WHERE limited_to -> %(name)s IS NULL",
                    row=SQL.identifier(field.relation, field.column1),
                    relation=SQL.identifier(field.relation),
                    table=SQL.identifier(self._table),
                    name=name,
                )
            )
            for record in self.sudo().browse(record_id for (record_id,) in rows):
                record._state_limits({name: {}}, ())

    def _refuse_limited_to(self):
        raise UserError(
            self.env._("What a limit was set to is kept by itself. Set the limit's own field.")
        )

    # === LIMITS === #

    def _limit_ids(self, name):
        """Return the ids that a field limits to, or None where it does not limit.

        Ids of records that are gone are among them, so that a limit that has lost everything
        finds nothing.
        """
        limit = self._limit(name)
        return None if limit is None else [int(record_id) for record_id in limit]

    def _limit_records(self, name):
        """Return the records left of a limit, archived ones too; None where it does not limit."""
        ids = self._limit_ids(name)
        comodel = self.env[self._fields[name].comodel_name]
        return None if ids is None else comodel.browse(ids).exists()

    def _limit(self, name):
        """Return ``{id as text: name}`` of what a field limits to, or None where it does not.

        On a form that is being edited: what the limit would be once it is saved.
        """
        self.ensure_one()
        if isinstance(self.id, int):
            return (self.limited_to or {}).get(name)
        chosen = self[name]._origin
        before = self._limit_source(name) or self._origin
        if before and before[name] == chosen:
            return before._limit(name)
        return {str(record.id): record.display_name for record in chosen} or None

    def _limit_source(self, name):
        """Return the record from which a form's limit comes, where it is not its own. Models that
        take limits over from others extend this."""
        return self.browse()

    def _inherited_limit(self, name):
        """Return the limit, as in ``limited_to``, that a record takes over unless it has its own.
        Models that take limits over from others extend this."""
        return {}

    @api.model
    def _inherited_names(self, vals):
        """Return the limits that writing ``vals`` has taken over anew from another record."""
        return set()

    def _take_over_limits(self, names, given):
        """Return the limits taken over from another record, and the names of those that differ.

        A form sends also what it shows unchanged. A field that shows what is left of the other
        record's limit stands for that limit.
        """
        inherited = {name: self._inherited_limit(name) for name in names}
        own = set()
        for name in given & set(names):
            left = inherited[name].keys() - self._lost(name, inherited[name])
            if left != {str(record_id) for record_id in self.sudo()[name].ids}:
                own.add(name)
        return {name: {} if name in own else limit for name, limit in inherited.items()}, own

    def _state_limits(self, saved, given):
        """Note the limits as the fields show them now, with what they have lost.

        :param dict saved: ``{field: the limit before}``
        :param given: the fields that a person has set: empty, they limit no more
        """
        self.ensure_one()
        # Seen by everybody alike, not only the part that this person may read.
        self.invalidate_recordset(list(saved))
        limits = dict(self.limited_to or {})
        for name, before in saved.items():
            limit = {str(record.id): record.display_name for record in self.sudo()[name]}
            if limit or name not in given:
                limit = self._lost(name, before, limit) | limit
            if limit:
                limits[name] = limit
            else:
                limits.pop(name, None)
        self._store_limits(limits)

    def _lost(self, name, limit, found=()):
        """Return the part of a limit whose records are gone."""
        gone = {int(record_id) for record_id in limit if record_id not in found}
        if gone:
            gone -= set(self.env[self._fields[name].comodel_name].browse(gone).exists().ids)
        return {record_id: text for record_id, text in limit.items() if int(record_id) in gone}

    def _store_limits(self, limits):
        if limits != (self.limited_to or {}):
            # Past the checks of who may write what: this goes along with a write that passed them.
            models.BaseModel.write(self, {"limited_to": limits})

    @api.model
    def _move_limits(self, comodel, gone, kept):
        """Let every limit to some records be one to the record that has taken their place.

        :param str comodel: the records' model
        :param dict gone: ``{id: name}`` of the records that are no more
        :param kept: the record they were merged into
        """
        wanted = [str(record_id) for record_id in gone]
        for model in sorted(self.pool.descendants([self._name], "_inherit")):
            records = self.env[model].sudo()
            for name in records._limit_fields:
                if records._fields[name].comodel_name != comodel:
                    continue
                records.flush_model(["limited_to"])
                rows = self.env.execute_query(
                    SQL(
                        "SELECT id FROM %s WHERE limited_to -> %s ?| %s",
                        SQL.identifier(records._table),
                        name,
                        wanted,
                    )
                )
                for record in records.browse(record_id for (record_id,) in rows):
                    record._replace_in_limit(name, wanted, kept)
                    record._note_moved_limit(name, gone, kept)

    def _replace_in_limit(self, name, gone, kept):
        limits = dict(self.limited_to)
        limits[name] = {key: text for key, text in limits[name].items() if key not in gone}
        limits[name][str(kept.id)] = kept.display_name
        self._store_limits(limits)

    def _note_moved_limit(self, name, gone, kept):
        """Tell in the chatter, where there is one, that a limit has moved."""
        if not hasattr(self, "message_post"):
            return
        self.message_post(
            body=self.env._(
                "%(field)s: %(gone)s was merged into %(kept)s, to which the limit applies now.",
                field=self._fields[name]._description_string(self.env),
                gone=", ".join(gone.values()),
                kept=kept.display_name,
            )
        )

    # === WHAT IS LOST === #

    def _lost_limit_texts(self):
        """Return what the limits have lost, in words, a sentence for each."""
        self.ensure_one()
        texts = []
        for name in self._limit_fields:
            limit = self._limit(name) or {}
            lost = self._lost(name, limit)
            if not lost:
                continue
            if len(lost) < len(limit):
                text = self.env._("%(field)s: deleted since they were chosen: %(names)s.")
            else:
                text = self.env._(
                    "%(field)s: all that was chosen has been deleted since (%(names)s), so this"
                    " limit lets nothing through."
                )
            label = self._fields[name]._description_string(self.env)
            texts.append(text % {"field": label, "names": ", ".join(lost.values())})
        return texts

    def action_forget_lost_limits(self):
        """Take out of the limits what was deleted; one of which nothing is left limits no more."""
        self.check_access("write")
        for record in self:
            limits = record.limited_to or {}
            lost = {name: record._lost(name, limit) for name, limit in limits.items()}
            lost = {name: names for name, names in lost.items() if names}
            # Through the fields, so that what is locked stays as it is.
            record.write({name: [Command.set(record.sudo()[name].ids)] for name in lost})
            left = {
                name: {key: text for key, text in limit.items() if key not in lost.get(name, {})}
                for name, limit in limits.items()
            }
            record._store_limits({name: limit for name, limit in left.items() if limit})
        return True
