"""Where charges come from, as objects: whom identification takes, and what rating asks.

Plain Python, without the ORM. The list that a run asks is ``billing.run._charge_sources``;
another source is a class like those below and an entry there.
"""

from odoo.fields import Domain


class ChargeSource:
    """One kind of record that charges are made from. Its model has ``partner_id`` and
    ``currency_id``, by which its records come to their customers' bills."""

    #: the model of its records
    model = ""
    #: field of ``billing.charge`` with the record that a charge was made from; empty where its
    #: charges name a record of another source
    charge_field = ""

    def selection(self, run):
        """Return the domain of the records that the run's criteria and filters select, in any
        state and of any customer: the run takes their open charges too."""
        raise NotImplementedError

    def due(self, run):
        """Return the domain of the records of the run's customers of which something may be due.
        Their customers get a bill."""
        raise NotImplementedError

    def problems(self, records):
        """Return ``{record: (code, message)}`` of due records that cannot be rated; their
        customers' bills end in error with the code."""
        return {}

    def rate(self, records, run):
        """Make charges of what is due of records; sources that override ``rate_bills`` go without."""
        raise NotImplementedError

    def rate_bills(self, bills):
        """Make charges of what is due for bills of one run, a batch of customers at once."""
        self.rate(self.of_bills(bills), bills.run_id)

    def of_bills(self, bills):
        """Return the records of which something may be due for bills of one run."""
        records = bills.env[self.model]
        if not bills:
            return records
        bills.run_id.ensure_one()
        return records.search(
            self.due(bills.run_id)
            & Domain("partner_id", "in", bills.partner_id.ids)
            & Domain("currency_id", "in", bills.currency_id.ids)
        )


class Services(ChargeSource):
    """Services: their periods, set-up, add-ons and adjustments."""

    model = "billing.service"
    charge_field = "service_id"

    def selection(self, run):
        return run._service_selection()

    def due(self, run):
        return run._service_domain() & run._live_service_domain()

    def problems(self, records):
        return records._check_ratable()

    def rate(self, records, run):
        records._rate(run.cutoff_date)


class Usage(ChargeSource):
    """Calls and other usage that is rated: one charge a service, customer and rate class."""

    # Its charges name the service.
    model = "cdr.record"

    def selection(self, run):
        return run._usage_domain()

    def due(self, run):
        return run._usage_domain() & run._customer_domain()

    def of_bills(self, bills):
        # By the million: they are charged by sets, without being read.
        return bills.env[self.model]

    def rate_bills(self, bills):
        bills._rate_usage()


class Jobs(ChargeSource):
    """Finished jobs: their lines."""

    model = "billing.job"
    charge_field = "job_id"

    def selection(self, run):
        return run._job_selection()

    def due(self, run):
        return run._job_domain()

    def rate(self, records, run):
        records._rate()


CHARGE_SOURCES = (Services(), Usage(), Jobs())
