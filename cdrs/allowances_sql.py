"""Included minutes and tiers by sets: ``allowances`` says the same call by call.

``charge_select`` is a SELECT over rated calls. Give it the calls that are to be charged now, and of the
same months and plans those that were charged before: they use up minutes first.
"""

from odoo.tools import SQL

from .rating_reference import BILL_DIGITS

#: what a source gives of each call; ``month`` is the first day of the call's month, and
#: ``charged_included`` the included seconds of a call charged before, else NULL
SOURCE_COLUMNS = (
    "id",
    "call_time",
    "month",
    "service_id",
    "partner_id",
    "plan_id",
    "class_id",
    "billed_seconds",
    "amount",
    "charged_included",
)


def plans_with_terms(cr, company_id: int) -> list[int]:
    """Return the ids of a company's plans that include minutes or have tiers; calls of all others
    are charged with their own amount."""
    cr.execute(
        """
        SELECT plan_id FROM cdr_rate_allowance WHERE company_id = %(company)s
        UNION
        SELECT plan_id FROM cdr_rate_tier WHERE company_id = %(company)s
        """,
        {"company": company_id},
    )
    return [plan_id for (plan_id,) in cr.fetchall()]


def charge_select(source: SQL) -> SQL:
    """Return a SELECT of ``id``, ``included_seconds``, ``counted_before`` (the seconds that count for
    tiers before the call's own) and ``charge_amount`` of the calls that were not charged before.

    :param source: a SELECT with the columns in ``SOURCE_COLUMNS``
    """
    return SQL(
        """
        WITH tier AS (
            SELECT plan_id, class_id, minutes_from * 60 AS seconds_from,
                   COALESCE(price_minute, 0) AS price_minute,
                   lead(minutes_from * 60) OVER (
                       PARTITION BY plan_id, class_id ORDER BY minutes_from) AS seconds_to,
                   min(minutes_from * 60) OVER (PARTITION BY plan_id, class_id) AS first
              FROM cdr_rate_tier
        ), named AS (
            SELECT allowance.plan_id, rel.class_id, allowance.id, allowance.minutes * 60 AS seconds,
                   allowance.shared
              FROM cdr_rate_allowance AS allowance
              JOIN cdr_rate_allowance_class_rel AS rel ON rel.allowance_id = allowance.id
        ), rest AS (
            SELECT allowance.plan_id, allowance.id, allowance.minutes * 60 AS seconds,
                   allowance.shared
              FROM cdr_rate_allowance AS allowance
             WHERE NOT EXISTS (
                   SELECT FROM cdr_rate_allowance_class_rel AS rel
                    WHERE rel.allowance_id = allowance.id)
        ), pooled AS (
            SELECT call.*,
                   COALESCE(named.id, rest.id) AS allowance_id,
                   COALESCE(named.seconds, rest.seconds) AS allowance_seconds,
                   CASE WHEN CASE WHEN named.id IS NULL THEN rest.shared ELSE named.shared END
                        THEN call.partner_id ELSE -call.service_id END AS owner
              FROM (%(source)s) AS call
              LEFT JOIN named ON named.plan_id = call.plan_id AND named.class_id = call.class_id
              LEFT JOIN rest ON rest.plan_id = call.plan_id
        ), counted AS (
            SELECT pooled.*,
                   GREATEST(allowance_seconds
                       - COALESCE(sum(charged_included) OVER pool, 0), 0) AS pool_seconds,
                   COALESCE(sum(CASE WHEN charged_included IS NULL THEN billed_seconds END)
                       OVER (pool ORDER BY charged_included IS NULL, call_time, id
                             ROWS UNBOUNDED PRECEDING), 0) AS pool_after
              FROM pooled
            WINDOW pool AS (PARTITION BY allowance_id, owner, month)
        ), included AS (
            SELECT counted.*,
                   CASE WHEN allowance_id IS NULL THEN 0
                        WHEN charged_included IS NOT NULL THEN charged_included
                        ELSE LEAST(pool_seconds, pool_after)
                             - LEAST(pool_seconds, pool_after - billed_seconds)
                        END AS included_seconds
              FROM counted
        ), placed AS (
            SELECT included.*,
                   sum(billed_seconds - included_seconds) OVER (
                       PARTITION BY service_id, plan_id, class_id, month
                       ORDER BY charged_included IS NULL, call_time, id
                       ROWS UNBOUNDED PRECEDING) AS seconds_after
              FROM included
        )
        SELECT placed.id, placed.included_seconds::int AS included_seconds,
               (placed.seconds_after - placed.billed_seconds
                + placed.included_seconds)::int AS counted_before,
               CASE WHEN placed.billed_seconds = 0
                      OR (tiers.first IS NULL AND placed.included_seconds = 0)
                    THEN placed.amount
                    ELSE round(
                        (placed.amount * GREATEST(LEAST(placed.seconds_after, tiers.first)
                             - (placed.seconds_after - placed.billed_seconds
                                + placed.included_seconds), 0)
                        )::numeric(60, 20) / placed.billed_seconds
                        + COALESCE(tiers.amount, 0),
                        CASE WHEN plan.rounding = 'call' THEN plan.rounding_digits
                             ELSE %(digits)s END)
                    END AS charge_amount
          FROM placed
          JOIN cdr_rate_plan AS plan ON plan.id = placed.plan_id
          LEFT JOIN LATERAL (
            SELECT min(tier.first) AS first,
                   sum((tier.price_minute * GREATEST(
                       LEAST(placed.seconds_after, tier.seconds_to)
                       - GREATEST(placed.seconds_after - placed.billed_seconds
                                  + placed.included_seconds, tier.seconds_from), 0)
                   )::numeric(40, 16) / 60) AS amount
              FROM tier
             WHERE tier.plan_id = placed.plan_id AND tier.class_id = placed.class_id
          ) AS tiers ON TRUE
         WHERE placed.charged_included IS NULL
        """,
        source=source,
        digits=BILL_DIGITS,
    )
