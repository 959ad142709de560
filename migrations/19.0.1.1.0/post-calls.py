"""Drop the index of calls that charging would change."""


def migrate(cr, version):
    if not version:
        return
    cr.execute("DROP INDEX IF EXISTS cdr_record_charge_idx")
