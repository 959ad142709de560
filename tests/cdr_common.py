"""A carrier with files of calls, in few words."""

from .common import BillingCase

HEAD = "date,caller,callee,seconds,cost,id\n"


def call_line(number=1, caller="+442079460001", callee="+4930901820", seconds=60, cost="0.10"):
    """Return a line of the generic CSV format, with its line end."""
    time = f"2026-01-{1 + number // 1440 % 28:02} {number // 60 % 24:02}:{number % 60:02}:00"
    return f"{time},{caller},{callee},{seconds},{cost},c{number}\n"


class CdrCase(BillingCase):
    """A company with a carrier that sends the generic CSV format."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.country_id = cls.env.ref("base.uk")
        cls.carrier = cls.make_carrier()

    @classmethod
    def make_carrier(cls, form="generic_csv", **values):
        """Return a carrier with one of the shipped formats."""
        return cls.env["cdr.carrier"].create(
            {
                "name": f"Carrier {form}",
                "company_id": cls.company.id,
                "country_id": cls.env.ref("base.uk").id,
                "format_id": cls.env.ref(f"billing_operations.cdr_format_{form}").id,
                **values,
            }
        )

    def receive(self, content, name="calls.csv", carrier=None, way="upload", **options):
        """Return the file of some content, processed as far as it goes."""
        content = content.encode() if isinstance(content, str) else content
        files = self.env["cdr.file"]._receive(
            carrier or self.carrier, [(name, content)], way, **options
        )
        self.work()
        return files

    def work(self):
        """Do what waits in the queue."""
        self.env.flush_all()
        self.env["billing.task"]._run_inline()
        self.env.invalidate_all()

    def records_of(self, file):
        return self.env["cdr.record"].search([("file_id", "=", file.id)], order="line_number, id")
