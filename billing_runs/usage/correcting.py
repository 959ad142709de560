from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

from ...cdrs.allowances_sql import charge_select, plans_with_terms
from ...cdrs.rating_sql import RATED_COLUMNS
from ...services.proration import one_unit, round_amount, smallest_coin
from .billing_usage_earlier import PRICED_COLUMNS
from .finding import calls_of
from .texts import UsageTexts

#: what counts as billed: a charge in another state is not corrected
BILLED_STATES = ("invoiced", "settled")
#: what rating says of a call and a correction takes over
_RATED = tuple(name for name in RATED_COLUMNS if name not in ("state", "error_code", "error_key"))
#: what says whom a call is charged to
_OWNER = ("service_id", "partner_id", "currency_id", "class_id")


class CdrRecord(models.Model):
    """Re-rating calls that are charged already.

    Charges that no run has taken yet are void, and their calls rated anew. Of what is invoiced a
    charge takes the whole old charge back, and new ones are made of all its calls: the selected
    ones at today's rates, the others as they were. Where a plan includes minutes or has tiers, all
    calls of the month are charged anew in the order in which they were, as if the rates had been
    right from the beginning.
    """

    _inherit = "cdr.record"

    @api.model
    def _rerate(self, domain, company):
        self._free_unbilled(domain, company)
        counts = super()._rerate(domain, company)
        return counts | self._correct_charged(domain, company)

    @api.model
    def _preview_rerate(self, domain, company):
        rows = super()._preview_rerate(domain, company)
        for (partner_id, currency_id), row in sorted(self._preview_corrections(domain, company)):
            rows.append(
                {"kind": "charged", "partner_id": partner_id, "currency_id": currency_id, **row}
            )
        return rows

    # === WHAT NO RUN HAS TAKEN === #

    @api.model
    def _replaced_domain(self, company):
        unbilled = Domain("company_id", "=", company.id) & Domain("state", "=", "charged")
        charges = Domain("kind", "=", "usage") & self.env["billing.charge"]._domain_open()
        return super()._replaced_domain(company) | unbilled & Domain("charge_id", "any", charges)

    @api.model
    def _free_unbilled(self, domain, company):
        """Void the charges of a selection that no run has taken: their calls are rated anew, or, of
        corrections, are part of the invoiced charge again."""
        charged = self._replaced_domain(company) & Domain("state", "=", "charged") & Domain(domain)
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT record.charge_id
                  FROM (%s) AS rated
                  JOIN cdr_record AS record ON record.id = rated.id
                 WHERE %s
                """,
                self._rated(charged, company),
                _is_changed(),
            )
        )
        charges = self.env["billing.charge"].sudo().browse(sorted(row[0] for row in rows))
        charges.lock_for_update(allow_referencing=True)
        charges.invalidate_recordset(["state", "bill_id"])
        charges.filtered_domain(charges._domain_open())._void()

    # === WHAT IS INVOICED === #

    @api.model
    def _correct_charged(self, domain, company):
        """Take back the invoiced charges whose calls change, and make new ones.

        A charge is corrected once: its source key refuses a second time, so repeating it does nothing.

        :return: dict ``{"corrected": number of charges, "calls": number of their calls}``
        """
        charges = self.env["billing.charge"].sudo()
        if not self._lay_out_corrections(domain, company):
            return {}
        rows = self._correction_rows()
        made = charges._insert_rows(rows)
        backs = {
            charge.corrected_id.id: charge.id for charge in made if ":back:" in charge.source_key
        }
        self.env.cr.execute(
            SQL(
                """
                CREATE TEMPORARY TABLE usage_back ON COMMIT DROP AS
                SELECT * FROM unnest(%s::int[], %s::int[]) AS back (charge_id, back_id)
                """,
                list(backs),
                list(backs.values()),
            )
        )
        self._keep_earlier()
        moved = self._move_to_new_charges()
        self.env.cr.execute("DROP TABLE usage_again, usage_back")
        self.invalidate_model()
        return {"corrected": len(backs), "calls": moved}

    @api.model
    def _preview_corrections(self, domain, company):
        """Return ``[((partner id, currency id), {"calls", "changed", "old", "new", "errors_old",
        "errors_new"})]`` of the invoiced charges that would be corrected."""
        if not self._lay_out_corrections(domain, company, lock=False):
            return []
        found = defaultdict(
            lambda: dict.fromkeys(("calls", "changed", "old", "new", "errors_old", "errors_new"), 0)
        )
        for row in self._correction_rows():
            place = found[row["partner_id"], row["currency_id"]]
            is_back = ":back:" in row["source_key"]
            amount = float(row["amount"])
            place["old" if is_back else "new"] += -amount if is_back else amount
        rows = self.env.execute_query(
            SQL(
                "SELECT partner_id, currency_id, count(*), count(*) FILTER (WHERE is_changed)"
                " FROM usage_again GROUP BY 1, 2"
            )
        )
        for partner_id, currency_id, calls, changed in rows:
            found[partner_id, currency_id] |= {"calls": calls, "changed": changed}
        for place in found.values():
            place["changed"] = place["changed"] or int(place["old"] != place["new"])
            place["old"], place["new"] = round(place["old"], 6), round(place["new"], 6)
        self.env.cr.execute("DROP TABLE usage_again")
        return list(found.items())

    @api.model
    def _lay_out_corrections(self, domain, company, lock=True):
        """Fill the temporary table ``usage_again``: every call of the charges to correct, with what it
        is charged from now on.

        :param bool lock: keep others out of the services and charges until the transaction ends
        :return: whether there is any
        """
        self.env.flush_all()
        cr = self.env.cr
        self._lay_out_chosen(domain, company)
        cr.execute("SELECT DISTINCT service_id FROM usage_rerated WHERE service_id IS NOT NULL")
        services = (
            self.env["billing.service"].sudo().browse(sorted(row[0] for row in cr.fetchall()))
        )
        if lock:
            services._lock_rows()
        self._lay_out_pools(company)
        self._lay_out_calls(company)
        if lock:
            cr.execute(
                "SELECT id FROM billing_charge WHERE id IN (SELECT charge_id FROM usage_again)"
                " ORDER BY id FOR NO KEY UPDATE"
            )
        cr.execute("DROP TABLE usage_rerated, usage_pool")
        cr.execute("SELECT EXISTS (SELECT FROM usage_again)")
        if cr.fetchone()[0]:
            return True
        cr.execute("DROP TABLE usage_again")
        return False

    @api.model
    def _lay_out_chosen(self, domain, company):
        """Fill ``usage_rerated``: the selected calls of billed charges at today's rates. What could not
        be rated any more stays as it was charged."""
        domain = (
            Domain("company_id", "=", company.id)
            & Domain("state", "=", "charged")
            & Domain("charge_id", "any", [("state", "in", BILLED_STATES), ("kind", "=", "usage")])
            & Domain(domain)
        )
        self.env.cr.execute(
            SQL(
                """
                CREATE TEMPORARY TABLE usage_rerated ON COMMIT DROP AS
                SELECT rated.id, %(rated_columns)s, record.charge_id,
                       record.partner_id AS old_partner_id, record.plan_id AS old_plan_id,
                       date_trunc('month', record.call_day)::date AS month
                  FROM (%(rated)s) AS rated
                  JOIN cdr_record AS record ON record.id = rated.id
                 WHERE rated.state = 'rated' AND %(is_changed)s
                """,
                rated_columns=_columns("rated", _RATED),
                rated=self._rated(domain, company),
                is_changed=_is_changed(),
            )
        )

    @api.model
    def _lay_out_pools(self, company):
        """Fill ``usage_pool``: the months of customers and plans with included minutes or tiers that
        the changes touch."""
        self.env.cr.execute(
            SQL(
                """
                CREATE TEMPORARY TABLE usage_pool ON COMMIT DROP AS
                SELECT partner_id, plan_id, month FROM usage_rerated WHERE plan_id = ANY(%(plans)s)
                 UNION
                SELECT old_partner_id, old_plan_id, month FROM usage_rerated
                 WHERE old_plan_id = ANY(%(plans)s)
                """,
                plans=plans_with_terms(self.env.cr, company.id),
            )
        )

    @api.model
    def _lay_out_calls(self, company):
        """Fill ``usage_again`` from the changed calls and the months that they touch."""
        self.env.cr.execute(
            SQL(
                """
                CREATE TEMPORARY TABLE usage_again ON COMMIT DROP AS
                WITH asked AS MATERIALIZED (
                    SELECT id, partner_id, period_start, period_end FROM billing_charge
                     WHERE id IN (SELECT charge_id FROM usage_rerated)
                     UNION
                    SELECT other.id, other.partner_id, other.period_start, other.period_end
                      FROM billing_charge AS other
                      JOIN usage_pool AS pool
                        ON pool.partner_id = other.partner_id
                       AND other.period_start < pool.month + interval '1 month'
                       AND other.period_end > pool.month
                     WHERE other.company_id = %(company)s AND other.kind = 'usage'
                ), held AS MATERIALIZED (
                    -- All calls of the charges in question, as they are and as they are rated now.
                    SELECT record.id, record.charge_id, record.call_time, record.call_day,
                           %(now)s, changed.id IS NOT NULL AS is_rerated,
                           charge.state IN %(billed)s AND charge.kind = 'usage' AS is_billed,
                           COALESCE(record.included_seconds, 0) AS old_included,
                           record.charged_amount AS old_amount,
                           record.counted_before AS old_counted, %(before)s
                      FROM (%(calls)s) AS record
                      JOIN billing_charge AS charge ON charge.id = record.charge_id
                      LEFT JOIN usage_rerated AS changed ON changed.id = record.id
                     WHERE record.company_id = %(company)s AND record.state = 'charged'
                ), pooled AS (
                    SELECT held.*, pool.month,
                           -- Calls were charged run by run, and in each in the order of time.
                           held.call_time + interval '1 year' * dense_rank() OVER (
                               PARTITION BY pool.partner_id, pool.plan_id, pool.month
                               ORDER BY first.create_date) AS place
                      FROM held
                      JOIN usage_pool AS pool
                        ON pool.partner_id = held.partner_id AND pool.plan_id = held.plan_id
                       AND date_trunc('month', held.call_day)::date = pool.month
                      JOIN LATERAL (
                        SELECT charge.create_date FROM billing_charge AS charge
                         WHERE charge.id = COALESCE(
                               (SELECT min(earlier.charge_id) FROM billing_usage_earlier AS earlier
                                 WHERE earlier.record_id = held.id), held.charge_id)
                      ) AS first ON TRUE
                ), with_terms AS (
                    %(charge)s
                ), again AS (
                    SELECT held.*,
                           COALESCE(terms.included_seconds,
                                    CASE WHEN held.is_rerated THEN 0 ELSE held.old_included END)
                               AS included_seconds,
                           COALESCE(terms.charge_amount,
                                    CASE WHEN held.is_rerated THEN held.amount
                                         ELSE held.old_amount END) AS charged_amount,
                           COALESCE(terms.counted_before,
                                    CASE WHEN NOT held.is_rerated THEN held.old_counted END)
                               AS counted_before
                      FROM held LEFT JOIN with_terms AS terms ON terms.id = held.id
                ), judged AS (
                    SELECT again.*,
                           (%(owner)s, billed_seconds, included_seconds, charged_amount)
                               IS DISTINCT FROM
                           (%(old_owner)s, old_billed_seconds, old_included, old_amount)
                               AS is_changed
                      FROM again WHERE is_billed
                )
                SELECT * FROM judged
                 WHERE charge_id IN (SELECT charge_id FROM judged WHERE is_changed)
                """,
                calls=calls_of(SQL("SELECT * FROM asked")),
                company=company.id,
                billed=BILLED_STATES,
                now=SQL(", ").join(
                    SQL(
                        "CASE WHEN changed.id IS NULL THEN record.%(name)s ELSE changed.%(name)s END"
                        " AS %(name)s",
                        name=SQL.identifier(name),
                    )
                    for name in _RATED
                ),
                before=SQL(", ").join(
                    SQL("record.%s AS %s", SQL.identifier(name), SQL.identifier(f"old_{name}"))
                    for name in (*_OWNER, "billed_seconds")
                ),
                owner=_columns("again", _OWNER),
                old_owner=_columns("again", [f"old_{name}" for name in _OWNER]),
                charge=charge_select(
                    SQL(
                        """
                        SELECT id, place AS call_time, month, service_id, partner_id, plan_id,
                               class_id, billed_seconds, amount,
                               CASE WHEN NOT is_billed THEN old_included END AS charged_included
                          FROM pooled
                        """
                    )
                ),
            )
        )

    # === THE NEW CHARGES === #

    @api.model
    def _correction_rows(self):
        """Return the charges' rows that ``usage_again`` calls for: of each old charge one that takes
        it back, and its calls' new ones."""
        charges = self.env["billing.charge"].sudo()
        self.env.cr.execute(
            """
            SELECT charge_id, service_id, partner_id, currency_id, class_id,
                   min(call_day) AS first_day, max(call_day) AS last_day, count(*) AS calls,
                   sum(billed_seconds) AS seconds, sum(included_seconds) AS included,
                   sum(charged_amount)::text AS amount
              FROM usage_again
             GROUP BY charge_id, service_id, partner_id, currency_id, class_id
             ORDER BY charge_id, service_id, partner_id, currency_id, class_id
            """
        )
        found = self.env.cr.dictfetchall()
        old = charges.browse(dict.fromkeys(row["charge_id"] for row in found))
        # A correction that was waived has left its number.
        waived = charges._read_group(
            [("corrected_id", "in", old.ids), ("state", "=", "waived"), ("amount", "<=", 0)],
            ["corrected_id"],
            ["__count"],
        )
        numbers = {charge.id: count for charge, count in waived}
        texts = CorrectionTexts(self.env)
        by_id = {charge.id: charge for charge in old}
        again = []
        for row in found:
            charge = by_id[row["charge_id"]]
            again.append(self._again_row(charge, row, numbers.get(charge.id, 0), texts))
        back = [self._back_row(charge, numbers.get(charge.id, 0), texts) for charge in old]
        return back + charges._price_usage(again)

    @api.model
    def _back_row(self, charge, number, texts):
        """Return the row that takes a charge back."""
        return one_unit(-Decimal(str(charge.amount))) | {
            "kind": "usage",
            "partner_id": charge.partner_id.id,
            "company_id": charge.company_id.id,
            "currency_id": charge.currency_id.id,
            "service_id": charge.service_id.id,
            "product_id": charge.product_id.id,
            "usage_class_id": charge.usage_class_id.id or None,
            "corrected_id": charge.id,
            "name": texts.back(charge),
            "period_start": charge.period_start,
            "period_end": charge.period_end,
            "source_key": f"usage:{charge.id}:back:{number}",
        }

    @api.model
    def _again_row(self, charge, row, number, texts):
        """Return the row of a new charge for calls of an old one."""
        service = self.env["billing.service"].sudo().browse(row["service_id"])
        partner = self.env["res.partner"].browse(row["partner_id"])
        currency = self.env["res.currency"].browse(row["currency_id"])
        rate_class = self.env["cdr.rate.class"].sudo().browse(row["class_id"] or [])
        product = rate_class.product_id or service.tariff_id.product_id
        amount = round_amount(Decimal(row["amount"]), smallest_coin(currency))
        owner = ":".join(
            str(row[name] or 0) for name in ("partner_id", "service_id", "class_id", "currency_id")
        )
        return one_unit(amount) | {
            "kind": "usage",
            "partner_id": partner.id,
            "company_id": charge.company_id.id,
            "currency_id": currency.id,
            "service_id": service.id,
            "product_id": product.id,
            "usage_class_id": rate_class.id or None,
            "usage_calls": row["calls"],
            "usage_seconds": row["seconds"],
            "corrected_id": charge.id,
            "name": texts.again(partner, service, rate_class, row),
            "period_start": row["first_day"],
            "period_end": row["last_day"] + timedelta(days=1),
            "source_key": f"usage:{charge.id}:again:{number}:{owner}",
        }

    @api.model
    def _keep_earlier(self):
        """Keep the calls as they were charged, for the charges that were just taken back."""
        priced = SQL(", ").join(map(SQL.identifier, PRICED_COLUMNS))
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO billing_usage_earlier (company_id, record_id, charge_id, back_id,
                                                   %(priced)s)
                SELECT record.company_id, record.id, back.charge_id, back.back_id, %(values)s
                  FROM usage_back AS back
                  JOIN usage_again AS again ON again.charge_id = back.charge_id
                  JOIN cdr_record AS record ON record.id = again.id
                """,
                priced=priced,
                values=_columns("record", PRICED_COLUMNS),
            )
        )

    @api.model
    def _move_to_new_charges(self):
        """Give the calls their new prices and charges; return how many."""
        names = (*_RATED, "included_seconds", "charged_amount", "counted_before")
        self.env.cr.execute(
            SQL(
                """
                UPDATE cdr_record AS record
                   SET charge_id = charge.id, %(assigned)s
                  FROM usage_again AS again
                  JOIN usage_back AS back ON back.charge_id = again.charge_id
                  JOIN billing_charge AS charge
                    ON charge.corrected_id = again.charge_id AND charge.state = 'rated'
                   AND charge.id <> back.back_id
                   AND charge.service_id = again.service_id
                   AND charge.partner_id = again.partner_id
                   AND charge.currency_id = again.currency_id
                   AND COALESCE(charge.usage_class_id, 0) = COALESCE(again.class_id, 0)
                 WHERE record.id = again.id AND record.state = 'charged'
                """,
                assigned=SQL(", ").join(
                    SQL("%s = again.%s", SQL.identifier(name), SQL.identifier(name))
                    for name in names
                ),
            )
        )
        return self.env.cr.rowcount


def _is_changed():
    """Return the condition that rating a call again gives something else."""
    names = (*_OWNER, "plan_id", "billed_seconds", "amount")
    return SQL("(%s) IS DISTINCT FROM (%s)", _columns("rated", names), _columns("record", names))


def _columns(table, names):
    return SQL(", ").join(SQL.identifier(table, name) for name in names)


class CorrectionTexts:
    """What lines of corrections say, in their customers' languages."""

    def __init__(self, env):
        self.env = env
        self._usage = UsageTexts(env)
        self._patterns = {}

    def _of(self, partner):
        lang = partner.lang or self.env.lang or "en_US"
        if lang not in self._patterns:
            env = self.env(context={**self.env.context, "lang": lang})
            self._patterns[lang] = (
                env._("Taken back: %(charge)s"),
                env._("Corrected: %(charge)s"),
            )
        return self._patterns[lang]

    def back(self, charge):
        return self._of(charge.partner_id)[0] % {"charge": charge.name}

    def again(self, partner, service, rate_class, row):
        text = self._usage.text(partner.lang, service.display_name, rate_class, row)
        return self._of(partner)[1] % {"charge": text}
