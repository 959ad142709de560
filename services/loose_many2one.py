"""A link to a record that the database does not check, for tables that are loaded by the million."""

from odoo import fields


class LooseMany2one(fields.Many2one):
    """A many2one without a foreign key.

    Of a million rows loaded at once the database would look every link up one by one, and lock the
    row at its other end. Who deletes what such rows name is held back by the models themselves.
    """

    def update_db_foreign_key(self, model, column):
        """Leave the column without a foreign key."""
