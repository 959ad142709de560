from odoo import fields, models

from ...billing_tasks.dry_run import is_dry_run


class BillingRun(models.Model):
    """Which runs post what they invoice in one go, and what keeps documents from being written."""

    _inherit = "billing.run"

    writer_note = fields.Text(
        "Made by Odoo",
        compute="_compute_writer_note",
        help="Why some documents were made one by one, which takes longer.",
    )

    def _compute_writer_note(self):
        proofs = self.env["billing.invoice.proof"].search(
            [("run_id", "in", self.ids), ("equal", "=", False)], order="id"
        )
        reasons = {}
        for proof in proofs:
            reasons.setdefault(proof.run_id, {})[proof.reason] = True
        for run in self:
            run.writer_note = "\n".join(reasons.get(run, ())) or False

    def _posts_at_once(self):
        """Return whether the run goes on to posting, so that nobody looks at drafts."""
        self.ensure_one()
        stages = self._stages()
        # A rehearsal has other numbers, and must not keep a journal from others.
        return (
            stages.by_bills
            and self._target_place() >= stages.posted_place
            and not is_dry_run(self.env)
        )

    def _was_posted_at_once(self):
        """Return whether invoicing has posted bills that no posting stage has counted yet."""
        self.ensure_one()
        results = self.env["billing.run.result"].search([("run_id", "=", self.id)], order="id desc")
        last = results.filtered(lambda result: result.stage in ("invoicing", "posting"))[:1]
        return last.stage == "invoicing" and self._has_bills("posted")

    # === PROVEN WRONG AFTERWARDS === #

    def _check_written(self):
        """Compare the documents whose shape turned out not to be equal after they were written.

        Those that are not as Odoo makes them are held: their bills are in error before anything is
        sent, and go on when somebody who has looked runs them again. Each is compared once.
        """
        self.ensure_one()
        broken = self.env["billing.invoice.proof"].search(
            [("run_id", "=", self.id), ("again", "=", True), ("equal", "=", False)]
        )
        if not broken:
            return
        moves = self.env["account.move"].search(
            [
                ("billing_bill_id.run_id", "=", self.id),
                ("billing_bill_id.state", "in", self._stages().posted_states),
                ("billing_shape", "in", broken.mapped("shape")),
                ("billing_compared", "=", False),
            ]
        )
        proofs = self.env["billing.invoice.proof"]
        for move in moves:
            if differences := proofs._compare_again(move):
                move.billing_bill_id._set_error(
                    "document_differs",
                    self.env._(
                        "%(invoice)s was written by sets, and Odoo would make it otherwise:"
                        " %(reason)s Look at it, and take the bill back or run it again.",
                        invoice=move.display_name,
                        reason=proofs._reason(differences),
                    ),
                )
        quiet = {"tracking_disable": True, "skip_is_manually_modified": True}
        moves.with_context(**quiet).billing_compared = True
