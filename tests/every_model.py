"""A company with a record of every model of the addon."""

from datetime import date

from .service_task_common import ServiceTaskCase


class EveryModelCase(ServiceTaskCase):
    """Whoever needs the records calls `make_records` and finds them with `record_of`."""

    @classmethod
    def make_records(cls):
        """One record of every model."""
        service = cls.make_service(cls.customer, cls.tariff)
        addons = cls.env["billing.service.addon"].with_env(service._own().env)
        addons.create({"service_id": service.id, "addon_id": cls.addon.id, "quantity": 2})
        cls.env["billing.service.identifier"].create(
            {"service_id": service.id, "value": "4711", "date_from": date(2026, 1, 1)}
        )
        cls.env["billing.service.secret"].create(
            {"service_id": service.id, "name": "root", "value": "x"}
        )
        cls.env["billing.service.version"].create(
            {
                "service_id": service.id,
                "date_from": date(2025, 1, 1),
                "date_to": date(2026, 1, 1),
                "partner_id": cls.customer.id,
                "tariff_id": cls.tariff.id,
                "term_scheme_id": cls.scheme.id,
                "anchor_date": date(2025, 1, 1),
            }
        )
        cls.env["billing.job"].create(
            {
                "partner_id": cls.customer.id,
                "line_ids": [(0, 0, {"product_id": cls.product.id, "name": "x", "price_unit": 1})],
            }
        )
        service.request_operation("suspend", effective_date=date(2026, 1, 2))
        day = {"company_id": cls.company.id, "day": date(2026, 1, 2)}
        cls.env["service.task.digest"].create({"department_id": cls.hosting.id, **day})
        cls.env["service.webhook.callback"].create({"module_id": cls.module.id, "signature": "x"})
        wallet = cls.env["billing.wallet"].create({"partner_id": cls.customer.id})
        wallet._credit(10, "Top-up")
        bank = cls.env["account.journal"].search(
            [("type", "=", "bank"), ("company_id", "=", cls.company.id)], limit=1
        )
        cls.env["account.bank.statement.line"].create(
            {"journal_id": bank.id, "amount": 10, "payment_ref": "Top-up"}
        )
        cls.make_usage_records()
        cls.make_rating_records()
        cls.make_run_records()
        cls.make_payment_records()
        cls.make_overdue_records()
        cls.make_accounting_records()
        cls.make_price_records(service)

    @classmethod
    def make_price_records(cls, service):
        """A price change that is worked out."""
        change = cls.env["billing.price.change"].create(
            {
                "name": "x",
                "company_id": cls.company.id,
                "date": date(2030, 1, 1),
                "percent": 5.0,
                "tariff_ids": [(6, 0, service.tariff_id.ids)],
                "own_prices": "change",
            }
        )
        change._work_out()
        closing = cls.env["billing.closing"].create(
            {"company_id": cls.company.id, "month": date(2026, 4, 1)}
        )
        closing._count()

    @classmethod
    def make_payment_records(cls):
        """A mandate that is not signed yet, a payment run whose file somebody had, and a charge."""
        mandates = cls.env["billing.mandate"]
        account = mandates._account(cls.customer, "DE02120300000000202051")
        mandates.create({"partner_id": cls.customer.id, "partner_bank_id": account.id})
        run = cls.env["billing.payment.run"].create({"currency_id": cls.env.ref("base.EUR").id})
        move = cls.env["account.move"].search(
            [("state", "=", "posted"), ("company_id", "=", cls.company.id)], limit=1
        )
        item = move.line_ids.filtered(lambda line: line.account_type == "asset_receivable")[:1]
        line = cls.env["billing.payment.line"].create(
            {
                "run_id": run.id,
                "partner_id": cls.customer.id,
                "move_id": move.id,
                "move_line_id": item.id,
                "currency_id": run.currency_id.id,
                "amount": 1.0,
            }
        )
        cls.env["billing.card.charge"].create(
            {
                "reference": "x",
                "company_id": cls.company.id,
                "partner_id": cls.customer.id,
                "kind": "invoice",
                "line_id": line.id,
                "attempt": 2,
                "currency_id": run.currency_id.id,
                "amount": 1.0,
                "planned_date": "2026-01-01",
            }
        )
        file = cls.env["billing.payment.file"].create(
            {"run_id": run.id, "scheme": "CORE", "name": "x", "message_id": "x", "sha256": "x"}
        )
        cls.env["billing.payment.download"].create(
            {"file_id": file.id, "user_id": cls.env.uid, "date": "2026-01-01 00:00:00"}
        )
        message = cls.env["billing.payment.return"].create(
            {"name": "x", "company_id": cls.company.id, "kind": "hand"}
        )
        cls.env["billing.payment.return.line"].create(
            {"return_id": message.id, "currency_id": run.currency_id.id, "state": "unknown"}
        )

    @classmethod
    def make_overdue_records(cls):
        """A customer who was reminded of an invoice."""
        step = cls.env["billing.overdue.step"].create({"name": "Reminder"})
        notice = (
            cls.env["billing.overdue.notice"]
            ._own()
            .create(
                {
                    "step_id": step.id,
                    "kind": step.kind,
                    "company_id": cls.company.id,
                    "partner_id": cls.customer.id,
                    "date": date(2026, 1, 2),
                }
            )
        )
        move = cls.env["account.move"].search(
            [("state", "=", "posted"), ("company_id", "=", cls.company.id)], limit=1
        )
        cls.env["billing.overdue.line"].create(
            {
                "notice_id": notice.id,
                "move_id": move.id,
                "due_date": date(2026, 1, 1),
                "currency_id": cls.company.currency_id.id,
            }
        )

    @classmethod
    def make_accounting_records(cls):
        """A connection to Xero with a mapping, a document that was sent, and what is known of it there."""
        connection = cls.env["accounting.export.connection"].create(
            {"name": "Xero", "kind": "xero", "client_id": "x"}
        )
        there = {"connection_id": connection.id}
        cls.env["accounting.export.mapping"].create({**there, "kind": "tax", "code": "NONE"})
        cls.env["accounting.export.choice"].create(
            {**there, "kind": "tenant", "code": "x", "name": "x"}
        )
        cls.env["accounting.export.login"].create(
            {**there, "user_id": cls.env.uid, "state_digest": "x"}
        )
        move = cls.env["account.move"].search(
            [
                ("state", "=", "posted"),
                ("move_type", "=", "out_invoice"),
                ("company_id", "=", cls.company.id),
            ],
            limit=1,
        )
        items = cls.env["accounting.export.item"]._own()
        customer = items.create(
            {
                **there,
                "kind": "customer",
                "partner_id": move.commercial_partner_id.id,
                "reference": "x",
            }
        )
        cls.env["accounting.export.candidate"].create(
            {"item_id": customer.id, "other_id": "x", "name": "x", "reason": "name"}
        )
        document = items.create(
            {
                **there,
                "kind": "invoice",
                "partner_id": move.commercial_partner_id.id,
                "move_id": move.id,
                "reference": "x",
            }
        )
        cls.env["accounting.export.payment"]._own().create(
            {
                **there,
                "item_id": document.id,
                "other_id": "x",
                "date": date(2026, 1, 2),
                "amount": 1.0,
                "currency_id": cls.company.currency_id.id,
            }
        )
        cls.env["accounting.export.file"].sudo().create({**there, "name": "x", "kind": "documents"})

    @classmethod
    def make_usage_records(cls):
        """A carrier whose file holds a call and a line that cannot be read."""
        form = cls.env.ref("billing_operations.cdr_format_generic_csv").copy(
            {"company_id": cls.company.id}
        )
        carrier = cls.env["cdr.carrier"].create({"name": "Carrier", "format_id": form.id})
        content = b"date,caller,callee,seconds,cost,id\n2026-01-01 10:00:00,1,2,3,1,a\nx\n"
        file = cls.env["cdr.file"]._receive(carrier, [("calls.csv", content)], "upload")
        file._import()
        cls.env["cdr.remote.file"].create(
            {"carrier_id": carrier.id, "name": "x", "seen_date": "2026-01-01 00:00:00"}
        )

    @classmethod
    def make_rating_records(cls):
        """A plan with all that it can have, a fixed fee, and the causes of what is in error."""
        plan = cls.env["cdr.rate.plan"].create({"name": "Plan", "company_id": cls.company.id})
        rate_class = cls.env["cdr.rate.class"].create(
            {"name": "National", "company_id": cls.company.id}
        )
        named = {"plan_id": plan.id, "name": "x"}
        cls.env["cdr.rate.band"].create(named)
        cls.env["cdr.rate"].create({**named, "prefix": "44", "class_id": rate_class.id})
        cls.env["cdr.rate.allowance"].create({**named, "minutes": 10})
        cls.env["cdr.rate.tier"].create(
            {"plan_id": plan.id, "class_id": rate_class.id, "minutes_from": 10}
        )
        file = cls.env["cdr.file"].search([("company_id", "=", cls.company.id)], limit=1)
        fee = {"line_number": 1, "identifier": "4711", "name": "x", "cost": 1}
        days = {"period_start": date(2026, 1, 1), "period_end": date(2026, 2, 1)}
        cls.env["cdr.fixed.fee"]._load(file, [fee | days])
        cls.env["billing.error"]._collect(cls.company)
        archive = (
            cls.env["cdr.archive"]
            ._own()
            .create({"carrier_id": file.carrier_id.id, "month": date(2026, 1, 1)})
        )
        cls.env["cdr.archive.service"].create(
            {"archive_id": archive.id, "company_id": cls.company.id}
        )

    @classmethod
    def make_run_records(cls):
        """A run that billed the service, and what stands around it."""
        run = cls.make_run(cls.make_cycle(cls.scheme))
        cls.env["billing.run.report.usage"].create(
            {
                "report_id": run._make_report("pre").id,
                "run_id": run.id,
                "company_id": cls.company.id,
                "phase": "pre",
                "partner_id": cls.customer.id,
                "service_id": cls.env["billing.service"]
                .search([("company_id", "=", cls.company.id)], limit=1)
                .id,
                "currency_id": cls.company.currency_id.id,
                "odd_calls": True,
            }
        )
        run._execute("posting")
        task = cls.env["billing.task"].enqueue("run_rate", record=run)
        task._log("Begun.")
        cls.env["billing.bill"].create(
            {
                "run_id": run.id,
                "company_id": cls.company.id,
                "partner_id": cls.make_customer("In error").id,
                "currency_id": cls.company.currency_id.id,
                "state": "error",
                "error_code": "on_hold",
            }
        )
        carrier = cls.env["cdr.carrier"].search([("company_id", "=", cls.company.id)], limit=1)
        call = cls.env["cdr.record"].search([("company_id", "=", cls.company.id)], limit=1)
        charge = cls.env["billing.charge"].search([("company_id", "=", cls.company.id)], limit=1)
        cls.env["billing.usage.earlier"].create(
            {
                "company_id": cls.company.id,
                "record_id": call.id,
                "charge_id": charge.id,
                "back_id": charge.id,
            }
        )
        cls.env["billing.message.template"].create({"name": "Greetings", "body": "<p>x</p>"})
        values = {"run_id": run.id}
        for model, vals in (
            ("billing.run.undo", {"reason": "Reason"}),
            ("billing.print.bundle", {"name": "B1"}),
            (
                "billing.run.cdr.ignored",
                {"carrier_id": carrier.id, "reason": "x", "user_id": cls.manager.id},
            ),
            (
                "billing.run.step",
                {
                    "code": "dates",
                    "confirmed_by_id": cls.manager.id,
                    "confirmed_date": "2026-01-02 00:00:00",
                    "fingerprint": "x",
                },
            ),
        ):
            cls.env[model].create({**vals, **values})
        move = cls.env["account.move"].search([("billing_bill_id.run_id", "=", run.id)])
        cls.env["billing.delivery"].create({"move_id": move.id, "channel": "print"})

    def record_of(self, model):
        """A record of the test's company to try things on; empty where there is none."""
        if model._abstract or model._transient:
            return model.browse()
        domain = []
        if "company_id" in model._fields and model._fields["company_id"].store:
            domain = [("company_id", "=", self.company.id)]
        if model._name == "res.partner":
            return self.customer
        if model._name == "product.template":
            return self.product.product_tmpl_id
        return model.search(domain, limit=1, order="id desc")
