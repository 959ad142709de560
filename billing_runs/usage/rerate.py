from odoo import models


class CdrRecordRerate(models.TransientModel):
    """Re-rating of what is invoiced: said before it is done."""

    _inherit = "cdr.record.rerate"

    def _kind_texts(self, rows):
        texts = super()._kind_texts(rows)
        if any(row["kind"] == "charged" for row in rows):
            texts.append(
                self.env._(
                    "The differences of what is invoiced come on the customers' next bills: the old"
                    " charges are taken back and new ones made."
                )
            )
        return texts
