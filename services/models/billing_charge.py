from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL

from ..invoice_line import InvoiceLine
from ..loose_many2one import HeldMany2one, LooseMany2one

LIVE_ADJUSTABLE = ("recurring", "addon", "adjustment")
# What counts: to be billed, on a document, or netted without one.
LIVE_STATES = ("rated", "invoiced", "settled")


class BillingCharge(models.Model):
    """The ledger of what is owed: one thing, one period, one amount rounded once.

    States: rated → invoiced (its invoice line is linked) and back; rated → settled (netted to zero
    with others, without a document: it counts like an invoiced one) and back; rated → waived
    (forgiven: not owed, with a reason); rated → void (as if it had never been rated: its source
    is rated again). The ledger follows its documents: what somebody credits in full or cancels
    in Odoo is waived for that reason and keeps its line; ``credited_amount`` is what somebody
    credited or took off in part.

    A source is charged once: the database refuses a second live charge with the same source key
    and recurring charges of one service that overlap, up to the day from which they were
    credited (``charged_until``). Credits name the charge that they take back (``credited_id``).

    Nobody writes charges by hand. Billing users read them and add adjustments with a reason;
    managers waive.

    Source keys: ``service:<id>:recurring:<start>``, ``service:<id>:addon:<line id>:<start>``,
    ``service:<id>:setup``, ``service:<id>:change:<number>:<index>``,
    ``charge:<id>:withheld:<number>``, ``charge:<id>:cut:<day>``, ``job:<id>:<line id>``,
    ``manual:<random>``; recurring ones at changed terms end in ``:<how often they changed>``.
    Packages above add their own prefixes.
    """

    _name = "billing.charge"
    _description = "Charge"
    _inherit = ["billing.state.mixin"]
    _order = "period_start desc, id desc"
    _check_company_auto = True

    name = fields.Char(string="Description", required=True, readonly=True)
    # Charges are made of services and jobs by the million: what they name is held, but not looked
    # up row by row.
    partner_id = HeldMany2one(
        "res.partner",
        string="Customer",
        required=True,
        index=True,
        readonly=True,
        check_company=True,
        ondelete="restrict",
    )
    company_id = HeldMany2one("res.company", required=True, readonly=True)
    currency_id = HeldMany2one("res.currency", required=True, readonly=True)
    service_id = HeldMany2one(
        "billing.service", index=True, readonly=True, check_company=True, ondelete="restrict"
    )
    addon_line_id = HeldMany2one(
        "billing.service.addon",
        string="Add-on",
        index="btree_not_null",
        readonly=True,
        check_company=True,
        ondelete="restrict",
    )
    job_id = HeldMany2one(
        "billing.job",
        index="btree_not_null",
        readonly=True,
        check_company=True,
        ondelete="restrict",
    )
    kind = fields.Selection(
        [
            ("recurring", "Recurring"),
            ("addon", "Add-on"),
            ("setup", "Set-up"),
            ("usage", "Usage"),
            ("job", "Job"),
            ("minimum", "Minimum"),
            ("adjustment", "Adjustment"),
        ],
        required=True,
        readonly=True,
    )
    # Looked up: what nothing else names may be sold, by hand or by a setting that changes meanwhile.
    product_id = fields.Many2one(
        "product.product",
        required=True,
        readonly=True,
        check_company=True,
        ondelete="restrict",
    )
    period_start = fields.Date(string="From", required=True, readonly=True)
    period_end = fields.Date(string="Until (excluded)", required=True, readonly=True)
    full_start = fields.Date(
        string="Full Period From",
        readonly=True,
        help="The billing period of which this charge is a part, or the whole.",
    )
    full_end = fields.Date(string="Full Period Until", readonly=True)
    full_price = fields.Float(
        string="Price of Full Period",
        digits=False,
        min_display_digits="Product Price",
        readonly=True,
        aggregator=None,
        help="Price of one unit for the full period.",
    )
    quantity = fields.Float(digits="Product Unit", required=True, readonly=True)
    price_unit = fields.Float(
        string="Unit Price",
        digits=False,
        min_display_digits="Product Price",
        required=True,
        readonly=True,
        aggregator=None,
    )
    discount = fields.Float(
        string="Discount (%)", digits="Discount", readonly=True, aggregator=None
    )
    amount = fields.Monetary(
        required=True,
        readonly=True,
        help="Quantity × price less discount, rounded once; with or without tax as the "
        "product's prices are.",
    )
    price_includes_tax = fields.Boolean(string="Tax Included", readonly=True)
    state = fields.Selection(
        [
            ("rated", "Rated"),
            ("invoiced", "Invoiced"),
            ("settled", "Settled"),
            ("waived", "Waived"),
            ("void", "Void"),
        ],
        required=True,
        readonly=True,
        default="rated",
    )
    source_key = fields.Char(required=True, readonly=True, copy=False)
    waive_reason = fields.Char(readonly=True)
    reason = fields.Char(readonly=True, help="Why this adjustment was made.")
    credited_id = HeldMany2one(
        "billing.charge",
        string="Credits",
        index="btree_not_null",
        readonly=True,
        copy=False,
        check_company=True,
        ondelete="restrict",
        help="The charge that this credit takes back, whole or in part.",
    )
    charged_until = fields.Date(
        string="Charged Until (excluded)",
        readonly=True,
        copy=False,
        help="The first day that was taken back by a credit. Empty: the whole period counts.",
    )
    invoiced_amount = fields.Monetary(
        string="Invoiced before Tax",
        readonly=True,
        copy=False,
        help="Subtotal before tax of the invoice line when the charge was put on it.",
    )
    credited_amount = fields.Monetary(
        string="Credited by Hand",
        readonly=True,
        copy=False,
        help="The part of the amount that somebody credited or took off the invoice in Odoo.",
    )
    # Charges are tied to lines before these are numbered and come into their table.
    move_line_id = HeldMany2one(
        "account.move.line",
        string="Invoice Line",
        index="btree_not_null",
        readonly=True,
        copy=False,
        check_company=True,
        ondelete="restrict",
    )
    move_id = LooseMany2one(
        related="move_line_id.move_id", string="Invoice", store=True, index="btree_not_null"
    )

    _source_once = models.UniqueIndex(
        "(company_id, source_key) WHERE state <> 'void'",
        "This was charged already: a source is charged once.",
    )
    _period_ordered = models.Constraint(
        "CHECK(period_end > period_start)", "A charge must cover at least one day."
    )
    _recurring_has_service = models.Constraint(
        "CHECK(kind NOT IN ('recurring', 'addon', 'setup') OR service_id IS NOT NULL)",
        "Recurring, add-on and set-up charges belong to a service.",
    )
    _job_has_job = models.Constraint(
        "CHECK(kind <> 'job' OR job_id IS NOT NULL)", "A job's charge belongs to a job."
    )
    _invoiced_has_line = models.Constraint(
        "CHECK(state <> 'invoiced' OR move_line_id IS NOT NULL)",
        "An invoiced charge needs its invoice line.",
    )
    _waived_has_reason = models.Constraint(
        "CHECK(state <> 'waived' OR COALESCE(waive_reason, '') <> '')",
        "A waived charge needs a reason.",
    )
    _credit_is_an_adjustment = models.Constraint(
        "CHECK(credited_id IS NULL OR kind = 'adjustment')",
        "Only adjustments take other charges back.",
    )
    _charged_within_period = models.Constraint(
        "CHECK(charged_until IS NULL OR charged_until BETWEEN period_start AND period_end)",
        "A charge is taken back from a day of its period on.",
    )
    _to_bill = models.Index("(company_id, partner_id) WHERE state = 'rated'")

    # === CONSTRAINTS === #

    @api.constrains("amount", "currency_id")
    def _check_amount_rounded(self):
        for charge in self:
            amount = charge.currency_id.round(charge.amount)
            if charge.currency_id.compare_amounts(amount, charge.amount):
                raise ValidationError(self.env._("The amount of a charge must be rounded."))

    # === ACTIONS === #

    def action_waive(self):
        """Open the dialog that asks why these charges will not be billed."""
        self._check_waive_rights()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Waive Charges"),
            "res_model": "billing.charge.waive.wizard",
            "view_mode": "form",
            "target": "new",
            "context": {"default_charge_ids": [(6, 0, self.ids)]},
        }

    def action_open_invoice(self):
        """Open the invoice that bills this charge."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": "account.move",
            "res_id": self.move_id.id,
            "view_mode": "form",
        }

    def _check_waive_rights(self):
        self.check_access("read")
        if not self.env.user.has_group("billing_operations.group_billing_manager"):
            raise UserError(self.env._("Only billing managers may waive charges."))

    # === BUSINESS === #

    @api.private
    def _mark_invoiced(
        self, links: dict[int, InvoiceLine] | None = None, *, again: bool = False, **amounts: dict
    ):
        """rated → invoiced.

        :param links: ``{charge id: InvoiceLine}`` to link in the same statement, before or after the
            lines come into their table; without it every charge must have its ``move_line_id``
        :param again: some were linked to lines that never came: replace their links
        :param amounts: of packages above: ``{charge id: amount or None}`` of a stored field, written
            with the links
        """
        if again:
            self._link_lines(links, amounts, again=True)
            return
        charges = self._to_move("invoiced", sources=("rated",))
        linked = charges.filtered(lambda charge: charge.id in (links or ()))
        linked._link_lines(links, amounts)
        others = charges - linked
        for charge in others:
            if not charge.move_line_id:
                raise UserError(
                    self.env._("Charge %s has no invoice line yet.", charge.display_name)
                )
            charge.invoiced_amount = charge.move_line_id.price_subtotal
        others._set_state("invoiced")

    def _link_lines(self, links: dict[int, InvoiceLine], amounts: dict[str, dict], *, again=False):
        """Move rated charges to ``invoiced`` with their invoice lines, each row written once."""
        if not self:
            return
        self.flush_recordset()
        lines = [links[charge_id] for charge_id in self.ids]
        self.env.cr.execute(
            SQL(
                """
                UPDATE billing_charge AS charge
                   SET state = 'invoiced',
                       move_line_id = line.id,
                       move_id = line.move_id,
                       invoiced_amount = line.subtotal,
                       %(assigned)s
                       write_uid = %(user)s,
                       write_date = %(now)s
                  FROM unnest(%(charges)s::int[], %(lines)s::int[], %(moves)s::int[],
                              %(subtotals)s::numeric[] %(arrays)s)
                       AS line (charge_id, id, move_id, subtotal %(names)s)
                 WHERE charge.id = line.charge_id -- the index of what is rated holds the whole run
                   AND (COALESCE(charge.state, '') = 'rated' OR %(again)s AND charge.state = 'invoiced'
                        AND NOT EXISTS (SELECT FROM account_move_line WHERE id = charge.move_line_id))
                """,
                assigned=SQL("").join(
                    SQL("%s = %s, ", SQL.identifier(name), SQL.identifier("line", name))
                    for name in amounts
                ),
                arrays=SQL("").join(
                    SQL(", %s::numeric[]", [values.get(charge_id) for charge_id in self.ids])
                    for values in amounts.values()
                ),
                names=SQL("").join(SQL(", %s", SQL.identifier(name)) for name in amounts),
                user=self.env.uid,
                now=self.env.cr.now(),
                again=again,
                charges=self.ids,
                lines=[line.id for line in lines],
                moves=[line.move_id for line in lines],
                subtotals=[line.subtotal for line in lines],
            )
        )
        if self.env.cr.rowcount != len(self):
            raise UserError(self.env._("Some charges have no invoice line, or are rated no more."))
        self.invalidate_recordset(
            [
                "state",
                "move_line_id",
                "move_id",
                "invoiced_amount",
                "write_uid",
                "write_date",
                *amounts,
            ]
        )

    @api.private
    def _settle(self):
        """rated → settled: netted to zero with others, so no document is needed. What was settled
        counts as billed: a later credit takes it back, a later run does not take it again."""
        self._set_state("settled")

    @api.private
    def _reopen(self):
        """invoiced, settled, or waived by its document → rated: a later run takes these charges."""
        forgiven = self.filtered(lambda charge: charge.state == "waived")
        touched = self.filtered(
            lambda c: c.state == "waived" or c.state != "rated" and c.credited_amount
        )
        self._set_state(
            "rated",
            {
                "move_line_id": False,
                "invoiced_amount": 0.0,
                "credited_amount": 0.0,
                "waive_reason": False,
            },
        )
        forgiven._credit_cut_days()
        touched._balance_credits()

    @api.private
    def _waive(self, reason: str):
        """rated → waived: not owed, for ``reason``. The period stays charged, and what was credited
        of it is withdrawn: what is not owed is not paid out."""
        if not (reason or "").strip():
            raise UserError(self.env._("Say why these charges are waived."))
        values = {"waive_reason": reason.strip()}
        self._set_state("waived", values, sources=("rated",))._balance_credits()

    @api.private
    def _void(self):
        """rated → void, and the sources are due again: services from the voided period on, set-up,
        jobs.

        :raise UserError: when something could not be rated again as it was (``_void_blockers``)
        """
        charges = self._void_together()._to_move("void")
        blockers = charges._void_blockers()
        if blockers:
            raise UserError("\n".join(list(blockers.values())[:5]))
        charges._set_state("void")
        charges._return_to_sources()

    def _void_together(self):
        """Return these charges with those that cannot stay when they are void. Packages that add such
        charges extend this."""
        return self

    @api.private
    def _void_blockers(self) -> dict:
        """{charge: message} of the charges that cannot be voided and rated again.

        These are adjustments made by hand, days before the service's last change (their terms
        are gone), days that were billed ahead and then suspended, and charges that an adjustment
        outside this recordset builds on or the other way round. They can be re-opened or waived
        instead.
        """
        blockers = {}
        for charge in self:
            service = charge.service_id
            if charge._is_manual():
                blockers[charge] = self.env._(
                    "Adjustment %s was made by hand and cannot be rated again. Waive it instead.",
                    charge.display_name,
                )
            elif charge.kind in LIVE_ADJUSTABLE and charge.period_start < service.terms_from:
                blockers[charge] = self.env._(
                    "Charge %(charge)s lies before the last change of service %(service)s on "
                    "%(day)s and cannot be rated again as it was. Waive it instead.",
                    charge=charge.display_name,
                    service=service.display_name,
                    day=service.terms_from,
                )
            elif charge.kind in LIVE_ADJUSTABLE and service._was_paused_ahead(
                charge.period_start, charge.period_end
            ):
                blockers[charge] = self.env._(
                    "Charge %(charge)s covers days on which service %(service)s was suspended after "
                    "they had been billed, and cannot be rated again as it was. Waive it instead.",
                    charge=charge.display_name,
                    service=service.display_name,
                )
        for charge, other in (self - self.browse([c.id for c in blockers]))._belongs_with():
            blockers[charge] = self.env._(
                "Charge %(charge)s and %(other)s belong together: void both or waive.",
                charge=charge.display_name,
                other=other.display_name,
            )
        return blockers

    def _belongs_with(self):
        """Yield (charge, other): an adjustment outside this recordset and what it settles."""
        services = self.service_id
        others = self.search(
            [
                ("service_id", "in", services.ids),
                ("kind", "in", LIVE_ADJUSTABLE),
                "|",
                ("full_start", "!=", False),
                ("credited_id", "!=", False),
                ("state", "!=", "void"),
                ("id", "not in", self.ids),
            ]
        ).grouped("service_id")
        for charge in self.filtered(lambda c: c.kind in LIVE_ADJUSTABLE):
            for other in others.get(charge.service_id, ()):
                if other.credited_id == charge or charge.credited_id == other:
                    yield charge, other
                    break
                if (
                    "adjustment" in (charge.kind, other.kind)
                    and other.full_start
                    and other.period_start < charge.period_end
                    and charge.period_start < other.period_end
                ):
                    yield charge, other
                    break

    def _is_manual(self) -> bool:
        """Whether a person made this adjustment."""
        self.ensure_one()
        return self.source_key.startswith("manual:")

    def _return_to_sources(self):
        """Make the sources of voided charges due again. Packages that add kinds extend this."""
        periodic = self.filtered(lambda charge: charge.kind in LIVE_ADJUSTABLE)
        for service, charges in periodic.grouped("service_id").items():
            first = min(charges.mapped("period_start"))
            if first < service.rated_up_to:
                service._own().write({"rated_up_to": first})
        setups = self.filtered(lambda charge: charge.kind == "setup")
        setups.service_id._own().write({"setup_due": True})
        self.job_id._return_to_done()

    # === STATES === #

    @api.model
    def _get_transitions(self):
        return {
            "rated": {"invoiced", "settled", "waived", "void"},
            "invoiced": {"rated", "waived"},
            "settled": {"rated"},
            "waived": {"rated", "invoiced"},
            "void": set(),
        }

    def _to_move(self, state, sources=None):
        todo = super()._to_move(state, sources)
        # What a person waived stays so; what its document did comes back with the document.
        if by_person := todo.filtered(lambda c: c.state == "waived" and not c.move_line_id):
            raise UserError(by_person[0]._cannot_move_text(state))
        return todo
