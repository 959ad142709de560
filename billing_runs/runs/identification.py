from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL


class BillingRun(models.Model):
    """Whom a run takes: its customers, found anew each time, become its bills."""

    _inherit = "billing.run"

    def _identify(self, partner_ids=None):
        """Create the run's bills, one per customer and currency, in one statement.

        Whether anything is due is seen at rating, so that everybody who was looked
        at has a bill with a reason.

        :param partner_ids: only these customers; None = all
        :return: number of bills created
        """
        self.ensure_one()
        query = SQL(
            """
            INSERT INTO billing_bill (run_id, company_id, partner_id, currency_id, state,
                                      create_uid, write_uid, create_date, write_date)
            SELECT %(run)s, %(company)s, customer.partner_id, customer.currency_id, 'pending',
                   %(uid)s, %(uid)s, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'
              FROM (%(customers)s) customer
             ORDER BY customer.partner_id, customer.currency_id
                ON CONFLICT DO NOTHING
            """,
            run=self.id,
            company=self.company_id.id,
            uid=self.env.uid,
            customers=self._customer_query(partner_ids),
        )
        self.env.cr.execute(query)
        created = self.env.cr.rowcount
        self.env["billing.bill"].invalidate_model()
        return created

    def _identified_partner_ids(self):
        """Return the ids of the customers that :meth:`_identify` would take, in order."""
        self.ensure_one()
        self.env.cr.execute(
            SQL(
                "SELECT DISTINCT partner_id FROM (%s) customer ORDER BY partner_id",
                self._customer_query(),
            )
        )
        return [partner_id for (partner_id,) in self.env.cr.fetchall()]

    def _customer_query(self, partner_ids=None):
        """Return the SQL that selects the run's customers and their currencies."""
        queries = self._customer_queries(partner_ids)
        self.env.flush_all()
        return SQL(" UNION ").join(self._select_customers(query) for query in queries)

    def _selected_partners(self):
        """Return the SQL of the ids of the customers whom the run would take now, some of them
        more than once."""
        queries = self._customer_queries()
        self.env.flush_all()
        return SQL(" UNION ALL ").join(
            query.subselect(SQL.identifier(query.table, "partner_id")) for query in queries
        )

    def _customer_queries(self, partner_ids=None):
        """Return the queries that find whom the run takes.

        A customer is taken of whom a charge source may have something due, or who has a rated
        charge that no other live bill holds.
        """
        only = Domain.TRUE if partner_ids is None else Domain("partner_id", "in", partner_ids)
        domains = [(source.model, source.due(self)) for source in self._charge_sources()]
        domains.append(("billing.charge", self._open_charge_domain()))
        return [self.env[model]._search(domain & only) for model, domain in domains]

    def _select_customers(self, query):
        return query.subselect(
            SQL("%s AS partner_id", SQL.identifier(query.table, "partner_id")),
            SQL("%s AS currency_id", SQL.identifier(query.table, "currency_id")),
        )
