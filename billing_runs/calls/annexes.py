from itertools import islice

from odoo import fields, models
from odoo.fields import Command
from odoo.tools import groupby

from ...billing_tasks.texts import plural
from ..usage.texts import clock
from .annex_layouts import MOST, PART, layout


class AccountMove(models.Model):
    """Itemised calls that go to the customer with a document, where the customer wants them."""

    _inherit = "account.move"

    billing_call_annex_ids = fields.Many2many(
        "ir.attachment",
        "billing_call_annex_rel",
        "move_id",
        "attachment_id",
        string="Itemised Calls",
        readonly=True,
        copy=False,
    )

    def _call_annex_wish(self):
        """Return what the document's customer gets of its calls: ``pdf``, ``csv``, ``both`` or
        nothing."""
        self.ensure_one()
        bill = self.billing_bill_id
        return bill and self.is_sale_document() and bill.sudo()._partner().billing_call_annex

    def _call_annex_sizes(self):
        """Return ``{document id: number of calls}`` of those that get their calls, one by one."""
        for company, bills in self.billing_bill_id.grouped("company_id").items():
            bills.partner_id.sudo().with_company(company).fetch(["billing_call_annex"])
        wanting = self.filtered(lambda move: move._call_annex_wish())
        if not wanting:
            return {}
        groups = (
            self.env["billing.charge"]
            .sudo()
            ._read_group(
                [("move_id", "in", wanting.ids), ("kind", "=", "usage")],
                ["move_id"],
                ["usage_calls:sum"],
            )
        )
        return {move.id: count for move, count in groups if count}

    def _wanted_call_annexes(self):
        """Return which files of its calls the document gets that it has not yet: ``pdf``, ``csv``."""
        wish = self._call_annex_wish()
        if not wish or self.billing_call_annex_ids:
            return ()
        count = self._call_annex_sizes().get(self.id, 0)
        if not count:
            return ()
        if count > MOST:
            return ("csv",)
        return ("pdf", "csv") if wish == "both" else (wish,)

    def _read_call_annexes(self):
        """Return what the PDFs of the document's calls need: ``[(layout, file name, data)]``, where
        data may be the exception that says why there are none."""
        self.ensure_one()
        if "pdf" not in self._wanted_call_annexes():
            return []
        move = self._for_customer()
        count, engine = self._call_annex_sizes()[self.id], layout()
        parts = -(-count // PART)
        calls = iter(move._itemised_calls())
        found = []
        for number in range(1, parts + 1):
            title = move.env._("Calls of %s", move.name)
            name = move.env._("Calls %s", move.name.replace("/", "-"))
            if parts > 1:
                title = move.env._(
                    "%(title)s, part %(number)s of %(parts)s",
                    title=title,
                    number=number,
                    parts=parts,
                )
                name = f"{name} {number}-{parts}"
            rows = list(islice(calls, PART))
            data = engine.prepare(
                move, title, move._calls_text(len(rows), rows), move._call_groups(rows), count
            )
            found.append((engine, f"{name}.pdf", data))
        return found

    def _for_customer(self):
        """Return the document in its customer's language."""
        return self.sudo().with_context(lang=self.partner_id.lang or self.env.lang or "en_US")

    def _call_groups(self, rows):
        """Return the rows of calls as an annex has them, service by service."""
        itemised = self._itemised_calls()
        groups = []
        for service, calls in groupby(rows, key=lambda row: row.service):
            cells = [cell for row in calls for cell in itemised.cells(row)]
            title = self.env._("Service %s", service)
            groups.append(
                {"title": title, "sum": self._calls_text(len(calls), calls), "cells": cells}
            )
        return groups

    def _calls_text(self, count, rows):
        """Return how many calls there are, and how long they take in all."""
        counted = plural(count, self.env._("1 call"), self.env._("%s calls", f"{count:,}"))
        return f"{counted}, {clock(sum(row.seconds for row in rows))}"

    def _tie_call_annexes(self, made=None):
        """Give the document the files of its calls that its customer gets, once.

        :param made: PDFs that were made already, as ``[(file name, content or exception)]``; None
            makes them now
        :return: the exception that says why there are none, else None
        """
        self.ensure_one()
        wanted = self._wanted_call_annexes()
        if not wanted:
            return None
        files = []
        if "pdf" in wanted:
            if made is None:
                read = self._read_call_annexes()
                contents = read[0][0].compile([data for _engine, _name, data in read])
                made = [(row[1], content) for row, content in zip(read, contents, strict=True)]
            for name, content in made:
                if isinstance(content, Exception):
                    return content
                files.append((name, content, "application/pdf"))
        if "csv" in wanted:
            move = self._for_customer()
            name = move.env._("Calls %s", move.name.replace("/", "-"))
            content = move._itemised_calls().csv(move.currency_id)
            files.append((f"{name}.csv", content, "text/csv"))
        attachments = self.env["ir.attachment"].create(
            [
                {
                    "name": name,
                    "raw": content,
                    "mimetype": mimetype,
                    "res_model": self._name,
                    "res_id": self.id,
                }
                for name, content, mimetype in files
            ]
        )
        self.sudo().write({"billing_call_annex_ids": [Command.set(attachments.ids)]})
        return None
