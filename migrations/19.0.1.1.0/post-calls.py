"""Say on which days calls may wait to be charged, and drop the index that charging would change."""


def migrate(cr, version):
    if not version:
        return
    cr.execute("DROP INDEX IF EXISTS cdr_record_charge_idx, cdr_record__charge_idx")
    cr.execute(
        """
        INSERT INTO cdr_open_day (company_id, day)
        SELECT DISTINCT company_id, call_day FROM cdr_record AS record
         WHERE state IN ('unrated', 'rated', 'error')
           AND NOT EXISTS (SELECT FROM cdr_open_day AS open
                            WHERE open.company_id = record.company_id
                              AND open.day = record.call_day)
        """
    )
