from odoo import models
from odoo.tools import SQL

#: which charges take up the days that they cover
TAKES_DAYS = (
    "kind IN ('recurring', 'addon') AND state <> 'void'"
    " AND COALESCE(charged_until, period_end) > period_start"
)
# Live charges do not overlap among themselves, so that of those that begin before a charge ends the
# last one overlaps it, or none does.
REFUSE = """
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    taken record;
BEGIN
    SELECT made.id, made.service_id
      INTO taken
      FROM {made} AS made
CROSS JOIN LATERAL (
           SELECT COALESCE(charged_until, period_end) AS until
             FROM billing_charge
            WHERE service_id = made.service_id
              AND COALESCE(addon_line_id, 0) = COALESCE(made.addon_line_id, 0)
              AND {takes_days}
              AND period_start < COALESCE(made.charged_until, made.period_end)
              AND id <> made.id
         ORDER BY period_start DESC
            LIMIT 1) AS other
     WHERE {takes_days}
       AND other.until > made.period_start
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Days of charge % of service % were charged already'
              ' (billing_charge_recurring_without_overlap).', taken.id, taken.service_id
              USING ERRCODE = 'exclusion_violation', TABLE = 'billing_charge',
                    CONSTRAINT = 'billing_charge_recurring_without_overlap';
    END IF;
    RETURN NULL;
END $$
"""
TRIGGERS = """
DROP TRIGGER IF EXISTS billing_charge_made ON billing_charge;
CREATE TRIGGER billing_charge_made
    AFTER INSERT ON billing_charge REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION billing_charge_made();
DROP TRIGGER IF EXISTS billing_charge_moved ON billing_charge;
CREATE TRIGGER billing_charge_moved
    AFTER UPDATE OF service_id, addon_line_id, kind, state, period_start, period_end, charged_until
    ON billing_charge FOR EACH ROW
    WHEN (NEW.kind IN ('recurring', 'addon') AND NEW.state <> 'void'
          AND (OLD.state = 'void'
               OR (NEW.service_id, NEW.addon_line_id, NEW.kind, NEW.period_start, NEW.period_end,
                   NEW.charged_until)
                  IS DISTINCT FROM
                  (OLD.service_id, OLD.addon_line_id, OLD.kind, OLD.period_start, OLD.period_end,
                   OLD.charged_until)))
    EXECUTE FUNCTION billing_charge_moved();
"""


class BillingCharge(models.Model):
    """Days of a service that are charged once, whatever became of the charges.

    Only what waits to be billed is in the exclusion constraint: that kind of index costs more the more
    it holds, and charges stay for ever. All others are held to it by triggers, which find the
    neighbour of a charge in an ordinary index. Two who charge at the same moment do not see each other
    there; they lock and move on the same service, so that one of them begins anew.
    """

    _inherit = "billing.charge"

    _recurring_once = models.UniqueIndex(
        f"(service_id, (COALESCE(addon_line_id, 0)), period_start) WHERE {TAKES_DAYS}",
        "These days of the service were charged already.",
    )
    _recurring_without_overlap = models.Constraint(
        "EXCLUDE USING gist (service_id WITH =, (COALESCE(addon_line_id, 0)) WITH =, "
        "daterange(period_start, COALESCE(charged_until, period_end)) WITH &&) "
        "WHERE (kind IN ('recurring', 'addon') AND state = 'rated')",
        "These days of the service were charged already.",
    )

    def init(self):
        """Have the database refuse charges whose days were charged already."""
        for name, made in (
            ("billing_charge_made", "made"),
            ("billing_charge_moved", "(SELECT NEW.*)"),
        ):
            function = REFUSE.format(name=name, made=made, takes_days=TAKES_DAYS)
            self.env.cr.execute(function)  # pylint: disable=sql-injection
        self.env.cr.execute(TRIGGERS)


def drop_overlap_triggers(env) -> None:
    """Let go of what kept charges from overlapping."""
    for name in ("billing_charge_made", "billing_charge_moved"):
        env.cr.execute(SQL("DROP FUNCTION IF EXISTS %s() CASCADE", SQL.identifier(name)))
