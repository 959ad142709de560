from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    billing_batch_size = fields.Integer(
        "Customers per Task",
        default=250,
        help="How many customers one background task of a billing run takes on. Where several workers"
        " post invoices, some tasks take fewer, so that none of them waits.",
    )
    billing_minimum_product_id = fields.Many2one(
        "product.product",
        "Minimum and Low-Usage Product",
        help="The product on invoice lines that pad a bill to its minimum or add a low-usage fee.",
    )

    billing_bank_stale_days = fields.Integer(
        "Warn after Days without Bank Lines",
        default=7,
        help="The payments step of a billing run warns when a bank journal's newest line is older.",
    )
    billing_anomaly_amount = fields.Monetary(
        "Anomaly from Amount",
        default=100.0,
        help="In reports on runs, a bill is flagged when it differs from the customer's mean by"
        " more than the standard deviation, and by at least this amount and percentage.",
    )
    billing_anomaly_percent = fields.Float("Anomaly from Percentage", default=15.0)

    billing_email_batch_size = fields.Integer(
        "Documents per E-mail Task",
        default=50,
        help="How many documents one background task sends by e-mail.",
    )
    billing_bundle_size = fields.Integer(
        "Documents per Print Bundle",
        default=200,
        help="How many documents are merged into one PDF to print.",
    )
    billing_mail_template_id = fields.Many2one(
        "mail.template",
        "Bill E-mail",
        domain=[("model", "=", "account.move")],
        help="The e-mail that takes invoices to customers, in their language. Empty means Odoo's"
        " own; credit notes always go with Odoo's.",
    )

    _billing_anomaly_positive = models.Constraint(
        "CHECK (billing_anomaly_amount >= 0 AND billing_anomaly_percent >= 0)",
        "The thresholds of anomalies must not be negative.",
    )
    _billing_email_batch_size_range = models.Constraint(
        "CHECK (billing_email_batch_size BETWEEN 1 AND 500)",
        "An e-mail task takes on between 1 and 500 documents.",
    )
    _billing_bundle_size_range = models.Constraint(
        "CHECK (billing_bundle_size BETWEEN 1 AND 2000)",
        "A print bundle holds between 1 and 2000 documents.",
    )
    _billing_batch_size_range = models.Constraint(
        "CHECK (billing_batch_size BETWEEN 1 AND 500)",
        "A billing task takes on between 1 and 500 customers.",
    )

    def _billing_minimum_product(self):
        """Return the product of minimum charges and low-usage fees."""
        self.ensure_one()
        return self.billing_minimum_product_id or self.env.ref(
            "billing_operations.product_billing_minimum"
        )
