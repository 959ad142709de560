from odoo import api, models


class BillingSecretMixin(models.AbstractModel):
    """Keeps secret values out of the server's log.

    The server logs a statement that fails, with its values: a name that is taken already would
    put the password beside it there. So the fields named in ``_secret_fields`` are written by a
    statement of their own, on rows that exist and are locked, where nothing is left to fail.
    """

    _name = "billing.secret.mixin"
    _description = "Secret Values"

    _secret_fields = ()

    @api.model_create_multi
    def create(self, vals_list):
        split = [self._split_secrets(vals) for vals in vals_list]
        records = super().create([plain for plain, _secret in split])
        for record, (_plain, secret) in zip(records, split, strict=True):
            if secret:
                record.write(secret)
        return records

    def write(self, vals):
        plain, secret = self._split_secrets(vals)
        if not secret:
            return super().write(vals)
        if plain:
            super().write(plain)
        self.flush_recordset()
        self.sudo().lock_for_update(allow_referencing=True)
        super().write(secret)
        self.flush_recordset()
        return True

    def _split_secrets(self, vals):
        """Return (the values that may be logged, those that may not)."""
        secret = {name: vals[name] for name in self._secret_fields if name in vals}
        return {name: value for name, value in vals.items() if name not in secret}, secret
