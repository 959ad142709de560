from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from ..xero_client import PACKAGE, SCOPES, Hosts, is_installed

#: states in which a company works with a connection
OPEN_STATES = ("active", "broken")


class AccountingExportConnection(models.Model):
    """A company's way to its accounting software: Xero, or files for any other.

    States: ``draft``, nothing is sent; ``choosing``, Xero let us in and a person has to choose the
    organisation; ``active``; ``broken``, Xero does not let us in any more and a person has to connect
    again, nothing is lost meanwhile; ``closed``, another one is used.

    Billing users see connections and send; managers keep what is mapped and how it is sent;
    administrators connect and disconnect. A company works with one connection at a time.
    """

    _name = "accounting.export.connection"
    _description = "Accounting Connection"
    _inherit = [
        "mail.thread",
        "billing.state.mixin",
        "billing.task.mixin",
        "billing.asking.mixin",
    ]
    _order = "state, name, id"
    _check_company_auto = True
    _own_fields = frozenset(
        {"state", "tenant_id", "tenant_name", "problem", "paused_until", "fetched_until",
         "last_fetch_date", "last_check_date", "choices_date"}
    )  # fmt: skip

    name = fields.Char(required=True)
    kind = fields.Selection(
        [("xero", "Xero"), ("csv", "CSV Files")], required=True, default="xero", tracking=True
    )
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    state = fields.Selection(
        [
            ("draft", "Not Connected"),
            ("choosing", "Choose Organisation"),
            ("active", "Connected"),
            ("broken", "Connect Again"),
            ("closed", "Closed"),
        ],
        required=True,
        readonly=True,
        copy=False,
        default="draft",
        tracking=True,
    )
    date_from = fields.Date(
        "Documents From",
        required=True,
        default=lambda self: fields.Date.context_today(self).replace(day=1),
        help="Invoices and credit notes of earlier days are not sent.",
    )
    line_detail = fields.Selection(
        [("lines", "Every line"), ("summed", "One line per account, tax and tracking")],
        string="Lines",
        required=True,
        default="lines",
    )
    use_tracking = fields.Boolean(
        "Send Tracking",
        help="Analytic accounts are sent as tracking categories. Each one that is used has to be mapped.",
    )
    problem = fields.Char(readonly=True, copy=False, help="What keeps the connection from working.")

    # === XERO === #

    grant = fields.Selection(
        [("code", "A person logs in"), ("client", "Custom connection, without a person")],
        string="Way to Connect",
        required=True,
        default="code",
        help="Custom connections are made in Xero for one organisation and need no login.",
    )
    client_id = fields.Char("Client ID", help="Of the app that was made at developer.xero.com.")
    client_secret = fields.Char(
        compute="_compute_client_secret",
        inverse="_inverse_client_secret",
        groups="billing_operations.group_billing_administrator",
        help="It is kept apart and never shown.",
    )
    has_secret = fields.Boolean(compute="_compute_has_secret", compute_sudo=True)
    scopes = fields.Char(
        required=True,
        default=SCOPES,
        help="What is asked for. Apps made before March 2026 may need accounting.transactions in place of"
        " accounting.invoices and accounting.payments.read.",
    )
    redirect_url = fields.Char(
        "Redirect URI",
        compute="_compute_redirect_url",
        help="Enter this at the app in Xero.",
    )
    package_problem = fields.Char(compute="_compute_package_problem")
    tenant_id = fields.Char("Organisation ID", readonly=True, copy=False)
    tenant_name = fields.Char("Organisation", readonly=True, copy=False, tracking=True)
    invoice_status = fields.Selection(
        [("AUTHORISED", "Approved"), ("DRAFT", "Draft")],
        string="Documents Arrive As",
        required=True,
        default="AUTHORISED",
        tracking=True,
    )
    calls_per_minute = fields.Integer(default=60, required=True)
    calls_per_day = fields.Integer(
        default=5000, required=True, help="Xero allows fewer on its smallest plan for apps."
    )
    paused_until = fields.Datetime(readonly=True, copy=False, help="Xero asked to wait until then.")
    choices_date = fields.Datetime("Choices Read On", readonly=True, copy=False)
    last_check_date = fields.Datetime("Duplicates Looked For On", readonly=True, copy=False)
    auto_fetch = fields.Boolean("Fetch Payments Every Day", default=True)
    last_fetch_date = fields.Datetime("Payments Fetched On", readonly=True, copy=False)
    fetched_until = fields.Datetime(
        readonly=True, copy=False, help="Payments changed later are fetched next time."
    )

    # === FILES === #

    delimiter = fields.Selection(
        [(",", "Comma"), (";", "Semicolon"), ("\t", "Tab")], required=True, default=","
    )
    decimal_point = fields.Selection([(".", "Point"), (",", "Comma")], required=True, default=".")
    bom = fields.Boolean(
        "Byte Order Mark",
        default=True,
        help="Spreadsheets then read the letters right; some accounting software wants files without.",
    )

    # === WHAT BELONGS TO IT === #

    choice_ids = fields.One2many("accounting.export.choice", "connection_id", readonly=True)
    mapping_ids = fields.One2many("accounting.export.mapping", "connection_id", string="Mappings")
    account_mapping_ids = fields.One2many(
        "accounting.export.mapping", "connection_id", domain=[("kind", "=", "account")]
    )
    tax_mapping_ids = fields.One2many(
        "accounting.export.mapping", "connection_id", domain=[("kind", "=", "tax")]
    )
    tracking_mapping_ids = fields.One2many(
        "accounting.export.mapping", "connection_id", domain=[("kind", "=", "tracking")]
    )
    journal_mapping_ids = fields.One2many(
        "accounting.export.mapping", "connection_id", domain=[("kind", "=", "journal")]
    )

    _one_at_a_time = models.UniqueIndex(
        "(company_id) WHERE state IN ('active', 'broken')",
        "The company works with another accounting connection. Close that one first.",
    )
    _name_once = models.UniqueIndex(
        "(company_id, name)", "The company already has a connection with this name."
    )
    _limits_in_range = models.Constraint(
        "CHECK(calls_per_minute BETWEEN 1 AND 60 AND calls_per_day BETWEEN 1 AND 100000)",
        "Calls a minute are 1 to 60, calls a day 1 to 100,000.",
    )
    _columns_apart = models.Constraint(
        "CHECK(delimiter <> decimal_point)",
        "Columns and decimals need different signs.",
    )

    # === COMPUTES === #

    def _compute_client_secret(self):
        self.client_secret = False

    def _inverse_client_secret(self):
        for connection in self.filtered("client_secret"):
            connection._secret().write(
                # Tokens of another secret are of no use.
                {"client_secret": connection.client_secret.strip(), "expires": 0}
            )

    def _compute_has_secret(self):
        secrets = self.env["accounting.export.secret"].sudo()
        with_secret = secrets.search(
            [("connection_id", "in", self.ids), ("client_secret", "!=", False)]
        ).connection_id
        for connection in self:
            connection.has_secret = connection._origin in with_secret

    def _compute_redirect_url(self):
        for connection in self:
            connection.redirect_url = f"{connection.get_base_url()}/billing/xero/callback"

    @api.depends("kind")
    def _compute_package_problem(self):
        missing = not is_installed()
        for connection in self:
            connection.package_problem = (
                missing and connection.kind == "xero" and connection._package_text()
            )

    def _package_text(self):
        return self.env._(
            "Xero needs a Python package on the server: pip install %s. Then restart Odoo.", PACKAGE
        )

    # === STATES === #

    @api.model
    def _get_transitions(self):
        return {
            "draft": {"choosing", "active", "closed"},
            "choosing": {"active", "draft", "closed"},
            "active": {"broken", "choosing", "draft", "closed"},
            "broken": {"active", "choosing", "draft", "closed"},
            "closed": {"draft"},
        }

    @api.model
    def _get_start_text(self):
        return self.env._("A connection starts as one that is not connected.")

    @api.model_create_multi
    def create(self, vals_list):
        connections = super().create(vals_list)
        for connection in connections:
            connection._secret()
        return connections

    def write(self, vals):
        if {"kind", "company_id"} & vals.keys():
            self._check_stays(vals)
        if {"client_id", "grant", "scopes"} & vals.keys():
            self._check_administrator()
        return super().write(vals)

    def _check_stays(self, vals):
        """Check that connections whose records were sent keep their kind and company.

        :raise UserError: one would change
        """
        for connection in self:
            changes = vals.get("kind", connection.kind) != connection.kind or (
                vals.get("company_id", connection.company_id.id) != connection.company_id.id
            )
            if changes and connection.sudo()._items_of():
                raise UserError(
                    self.env._(
                        "%s has sent records already: its kind and company stay. Create another"
                        " connection.",
                        connection.name,
                    )
                )

    def _items_of(self):
        return self.env["accounting.export.item"].search_count(
            [("connection_id", "in", self.ids)], limit=1
        )

    def _secret(self):
        """Return the row with the secrets, as the system."""
        self.ensure_one()
        secrets = self.env["accounting.export.secret"].sudo()
        return secrets.search([("connection_id", "=", self.id)], limit=1) or secrets.create(
            {"connection_id": self.id}
        )

    @api.model
    def _xero_hosts(self):
        """Return where Xero is. Overridden where it stands somewhere else."""
        return Hosts()

    @api.model
    def _of_company(self, company):
        """Return the connection that a company works with; none where it has none."""
        return self.sudo().search(
            [("company_id", "=", company.id), ("state", "in", OPEN_STATES)], limit=1
        )

    # === RIGHTS === #

    def _check_administrator(self):
        if not self.env.su and not self.env.user.has_group(
            "billing_operations.group_billing_administrator"
        ):
            raise AccessError(
                self.env._("Only billing administrators may connect accounting software.")
            )

    def _check_user(self):
        if not self.env.su and not self.env.user.has_group("billing_operations.group_billing_user"):
            raise AccessError(self.env._("Only billing users may send to the accounting software."))

    def _check_ready(self):
        """Check that something may be sent now.

        :raise UserError: saying what to do first
        """
        for connection in self:
            if connection.kind == "xero" and not is_installed():
                raise UserError(connection._package_text())
            if connection.state == "broken":
                raise UserError(
                    self.env._(
                        "%s: Xero does not let us in any more. An administrator has to connect again.",
                        connection.name,
                    )
                )
            if connection.state != "active":
                raise UserError(
                    self.env._(
                        "%s is not connected yet. An administrator has to connect it first.",
                        connection.name,
                    )
                )

    @api.constrains("client_id", "kind", "state")
    def _check_client_id(self):
        for connection in self:
            if (
                connection.kind == "xero"
                and connection.state == "active"
                and not connection.client_id
            ):
                raise ValidationError(
                    self.env._("%s: a connection to Xero needs a client ID.", connection.name)
                )
