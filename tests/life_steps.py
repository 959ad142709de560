"""The steps of a life, one method a kind: on the product, and where it follows, on the ledger."""

import functools

from odoo.fields import Command

from .life import CUSTOMERS, LifeBase
from .naive_ledger import BY_HAND, DONE, EITHER, REFUSED, SETUP, UNCLEAR, Terms


class Life(LifeBase):
    """Everything that can happen."""

    # === SERVICES === #

    def _play_activate(self, day, owner=0, plan=0, **values):
        if len(self.services) >= 3 or self.partners[owner] in self._archived():
            return
        owner = self.partners.index(self.partners[owner])
        terms = Terms(owner, self.plans[plan], **values)
        tariff = self.case.tariffs[self.terms, terms.plan.name]
        if not tariff.active or not self.case.addons[tariff].active:
            return
        addon = {"addon_id": self.case.addons[tariff].id, "quantity": terms.disks}
        self.services.append(
            self.case.make_service(
                self.partners[owner],
                tariff,
                start=day,
                price=terms.price / 100,
                quantity=terms.quantity,
                discount=terms.discount,
                addon_line_ids=[Command.create(addon)] if terms.disks else [],
            )
        )
        self.ledger.activate(*self.terms, terms, day)
        self._note(f"service {len(self.services)} of customer {owner} from {day}: {terms}")

    def _play_rate(self, day, service=0):
        naive, service = self._service(service)
        if not naive:
            return
        verdict = self.ledger.judge_rate([naive], day)
        if self._do(verdict, lambda: service._rate(day), f"rate {service.number} to {day}"):
            self.ledger.rate(naive, day)

    def _play_change(self, day, service=0, owner=None, plan=None, disks=None, **values):
        naive, service = self._service(service)
        if not naive:
            return
        given, tariff = dict(values), service.tariff_id
        if "price" in values:
            given["price"] = values["price"] / 100
        if owner is not None:
            owner = self.partners.index(self.partners[owner])
            given["partner_id"], values["owner"] = self.partners[owner].id, owner
        if plan is not None:
            values["plan"] = self.plans[plan]
            tariff = self.case.tariffs[self.terms, values["plan"].name]
            given["tariff_id"] = tariff.id
            if values["plan"] != naive.present.plan and "price" not in values:
                values["price"] = 0
        if disks is not None:
            given["addon_quantities"] = {self.case.addons[tariff].id: disks}
            values["disks"] = disks
        terms = naive.present._replace(**values)
        verdict = self.ledger.judge_change(naive, day, terms)
        addon = self.case.addons[tariff]
        if terms.disks and not addon.active and verdict == DONE:
            # An archived add-on stays where it is; nobody can be given it.
            if disks is not None:
                verdict = EITHER
            if plan is not None:
                verdict = UNCLEAR
        elif not tariff.active and plan is not None and verdict == DONE:
            verdict = EITHER
        what = f"change {service.number} from {day}: {given}"
        if self._do(verdict, lambda: service._change(day, given), what):
            self.ledger.change(naive, day, terms)

    def _play_suspend(self, day, service=0):
        naive, service = self._service(service)
        if not naive:
            return
        verdict = self.ledger.judge_suspend(naive, day)
        what = f"suspend {service.number} from {day}"
        if self._do(verdict, lambda: service._suspend(day, "client"), what):
            self.ledger.suspend(naive, day)

    def _play_resume(self, day, service=0):
        naive, service = self._service(service)
        if not naive:
            return
        verdict = self.ledger.judge_resume(naive, day)
        if self._do(verdict, lambda: service._resume(day), f"resume {service.number} from {day}"):
            self.ledger.resume(naive, day)

    def _play_end(self, day, service=0):
        naive, service = self._service(service)
        if not naive:
            return
        verdict = self.ledger.judge_end(naive, day)
        if self._do(verdict, lambda: service._terminate(day), f"end {service.number} on {day}"):
            self.ledger.end(naive, day)

    def _play_agree_end(self, day, service=0):
        naive, service = self._service(service)
        if not naive:
            return
        verdict = self.ledger.judge_agree_end(naive, day)
        what = f"agree on the end of {service.number} on {day}"
        if self._do(verdict, lambda: service._change(day, {"date_end": day}), what):
            self.ledger.agree_end(naive, day)

    # === RUNS === #

    def _play_bill(self, day):
        if self.ledger.judge_run(day) == UNCLEAR:
            self._note(f"(run to {day}: the rules do not say, left out)", "left out")
            return
        totals = self._run(day)
        billed = self._bill(day)
        for owner in range(CUSTOMERS):
            self._same(billed.get(owner, 0), totals.get(owner, 0), f"run to {day}, {owner}")

    def _play_undo(self, day, run=0, outcome="reopen"):
        numbers = sorted({d.run for d in self.ledger.documents if not d.undone})
        number = self._pick(numbers, run)
        if number is None:
            return
        documents = [d for d in self.ledger.documents if d.run == number and not d.undone]
        documents = [d for d in documents if self.partners[d.owner].active]
        if not documents:
            return
        verdicts = {d: self.ledger.judge_undo(d, outcome) for d in documents}
        if UNCLEAR in verdicts.values():
            return
        undo = self.env["billing.run.undo"].create(
            {
                "run_id": self.runs[number].id,
                "reason": "Wrong",
                "outcome": outcome,
                "include_paid": True,
                "partner_ids": [Command.set([self.partners[d.owner].id for d in documents])],
            }
        )
        what = f"undo run {number + 1}: {outcome}"
        if not self._do(DONE, functools.partial(self._confirm, undo), what):
            return
        for document, verdict in verdicts.items():
            bill = self.bills[document]
            undone = bill.state == "undone"
            expected = (DONE, EITHER) if undone else (REFUSED, EITHER)
            state = bill.state, bill.error_message
            self._check(verdict in expected, what, state, verdict)
            if not undone:
                self._check(bill.error_code == "undo_failed", what, bill.error_code)
                text = f"not for customer {document.owner}: {bill.error_message}"
                self._note(text, "refused")
            elif document.state == "replaced" and not self._taken_back(document):
                document.undone = True
            else:
                self.ledger.undo(document, outcome)

    def _taken_back(self, document):
        """Whether the document put in place of another was taken back, too: both are right."""
        return self.moves[document].payment_state == "reversed"

    def _confirm(self, undo):
        undo.action_confirm()
        self.env["billing.task"]._run_inline(domain=[("res_model", "=", undo._name)])
        self.env.invalidate_all()

    # === DOCUMENTS BY HAND === #

    def _document(self, number, states=("posted",)):
        """A document that stands in one of these states, and its move."""
        documents = [d for d in self.ledger.documents if d.state in states and not d.undone]
        document = self._pick(documents, number)
        return document, self.moves.get(document)

    def _play_credit(self, day, document=0):
        naive, move = self._document(document)
        if not naive:
            return
        dates = {"invoice_date": move.invoice_date, "date": move.date}
        if self._do(DONE, lambda: move._reverse_moves([dates], cancel=True), f"credit {move.name}"):
            self.ledger.credit(naive)

    def _play_cancel(self, day, document=0):
        naive, move = self._document(document)
        if not naive:
            return

        def cancel():
            move.button_draft()
            move.button_cancel()

        if self._do(DONE, cancel, f"cancel {move.name}"):
            self.ledger.cancel(naive)

    def _play_restore(self, day, document=0):
        naive, move = self._document(document, ("cancelled",))
        if not naive:
            return

        def restore():
            move.button_draft()
            move.action_post()

        if self._do(self.ledger.judge_restore(naive), restore, f"restore {move.name}"):
            self.ledger.restore(naive)

    def _single(self, number):
        documents = [
            d
            for d in self.ledger.documents
            if d.state == "posted"
            and not d.undone
            and d.net > 100
            and self.ledger.single_charge(d)
            and self.ledger.judge_partly(d) == DONE
        ]
        document = self._pick(documents, number)
        return document, self.moves.get(document)

    def _play_credit_partly(self, day, document=0, percent=50):
        naive, move = self._single(document)
        if not naive:
            return
        cents = naive.net * percent // 100

        def credit():
            note = move._reverse_moves([{"date": move.date, "invoice_date": move.invoice_date}])
            note.invoice_line_ids.write({"quantity": 1, "price_unit": cents / 100, "discount": 0})
            note.action_post()

        if self._do(DONE, credit, f"credit {cents} cents of {move.name}"):
            self.ledger.credit_partly(naive, cents)

    def _play_replace(self, day, document=0, percent=50):
        naive, move = self._single(document)
        if not naive:
            return
        cents = naive.net * percent // 100

        def replace():
            wizard = (
                self.env["account.move.reversal"]
                .with_context(active_model="account.move", active_ids=move.ids)
                .create({"date": move.date, "journal_id": move.journal_id.id})
            )
            new = self.env["account.move"].browse(wizard.modify_moves()["res_id"])
            new.invoice_line_ids.write({"quantity": 1, "price_unit": cents / 100, "discount": 0})
            new.action_post()
            self.replacement = new

        if self._do(DONE, replace, f"replace {move.name} by one of {cents} cents"):
            self.moves[naive] = self.replacement
            self.ledger.replace(naive, cents)

    # === CHARGES BY HAND === #

    def _play_waive(self, day, charge=0):
        charges = self.env["billing.charge"].search(
            [
                ("partner_id", "in", self.customers.ids),
                ("state", "in", ("rated", "invoiced")),
                ("amount", ">", 0),
                ("credited_id", "=", False),
            ],
            order="id",
        )
        # Mostly one that can be waived.
        waiting = charges.filtered(lambda row: row.state == "rated")
        row = self._pick(waiting if charge % 4 else charges, charge // 4)
        if not row:
            return
        entries = self._entries(row)
        if self._do(
            self.ledger.judge_waive(entries),
            lambda: row._waive("Goodwill"),
            f"waive {row.period_start} {row.period_end} {row.amount}",
        ):
            self.ledger.waive(entries)

    def _entries(self, row):
        """The naive ledger's entries of one of the product's charges."""
        item = {product: item for item, product in self.case.items.items()}[row.product_id]
        item = SETUP if row.kind == "setup" else item
        item = BY_HAND if row.source_key.startswith("manual:") else item
        naive = self.ledger.services[self.services.index(row.service_id)]
        found = self.ledger.find(
            naive,
            item,
            self.partners.index(row.partner_id),
            row.period_start,
            row.period_end,
            round(row.amount * 100),
        )
        alike = self.env["billing.charge"].search(
            [
                ("service_id", "=", row.service_id.id),
                ("partner_id", "=", row.partner_id.id),
                ("product_id", "=", row.product_id.id),
                ("period_start", "=", row.period_start),
                ("period_end", "=", row.period_end),
                ("amount", "=", row.amount),
                ("credited_id", "=", False),
                ("state", "!=", "void"),
            ],
            order="id",
        )
        alike = alike.filtered(
            lambda other: (
                (other.kind == "setup") == (row.kind == "setup")
                and other.source_key.startswith("manual:") == row.source_key.startswith("manual:")
            )
        )
        what = f"charge {row.period_start} {row.period_end} {row.amount}"
        self._check(len(found) == len(alike), what, len(alike), len(found))
        place = alike.ids.index(row.id)
        return found[place] if place < len(found) else []

    def _play_adjust(self, day, service=0, cents=-100):
        naive, service = self._service(service)
        if not naive or day < naive.start or self.partners[naive.present.owner] in self._archived():
            return
        if any(e.charge and e.charge.given and e.service is naive for e in self.ledger.entries):
            return  # see the naive ledger: which of two amounts by hand counts first is open
        wizard = {
            "partner_id": service.partner_id.id,
            "service_id": service.id,
            "amount": abs(cents) / 100,
            "direction": "credit" if cents < 0 else "debit",
            "name": "Goodwill",
            "reason": "Asked for",
            "date": day,
        }
        if self._do(
            DONE,
            lambda: self.env["billing.charge.adjust.wizard"].create(wizard).action_apply(),
            f"adjust {service.number} on {day} by {cents} cents",
        ):
            self.ledger.adjust(naive, day, cents)

    # === CUSTOMERS AND SETTINGS === #

    def _archived(self):
        return self.customers.exists().filtered(lambda partner: not partner.active)

    def _play_archive(self, day, what="customer", number=0):
        record = self._archivable(what, number)
        if record is None:
            return
        verdict = EITHER if what in ("scheme", "addon", "tariff") else DONE
        if (
            self._do(
                verdict,
                lambda: record.write({"active": not record.active}),
                f"archive {what} {number}",
            )
            and what == "customer"
        ):
            self.ledger.archived ^= {self.partners.index(record)}

    def _archivable(self, what, number):
        if what == "customer":
            owner = self.partners.index(self.partners[number % CUSTOMERS])
            owners = [{t.owner for _day, t in s.history} for s in self.ledger.services]
            # Charges of one customer for a service that an archived one has: not said.
            if any(owner in some and len(some) > 1 for some in owners):
                return None
            return self.partners[owner]
        if what == "tag":
            return self.case.tag
        tariff = self.case.tariffs[self.terms, self.plans[number % 2].name]
        if what == "tariff":
            return tariff
        return self.case.addons[tariff] if what == "addon" else tariff.term_scheme_id

    def _play_merge(self, day, gone=0, stays=1):
        gone, stays = (self.partners.index(self.partners[n % CUSTOMERS]) for n in (gone, stays))
        both = self.partners[gone] | self.partners[stays]
        if gone == stays or both & self._archived():
            return
        bills = self.env["billing.bill"].search([("partner_id", "in", both.ids)])
        apart = not any(len(rows.partner_id) > 1 for rows in bills.grouped("run_id").values())
        merge = functools.partial(
            self.env["base.partner.merge.automatic.wizard"]._merge, both.ids, self.partners[stays]
        )
        if self._do(DONE if apart else EITHER, merge, f"merge {gone} into {stays}"):
            self.env.invalidate_all()
            old, new = self.partners[gone], self.partners[stays]
            self.partners = [new if partner == old else partner for partner in self.partners]
            self.ledger.merge(max(gone, stays), min(gone, stays))
