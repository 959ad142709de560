"""Give set-ups that are still to be charged their price and product, before a constraint asks."""


def migrate(cr, version):
    if not version:
        return
    cr.execute(
        """
        ALTER TABLE billing_service
            ADD COLUMN IF NOT EXISTS setup_price float8,
            ADD COLUMN IF NOT EXISTS setup_product_id int4
        """
    )
    cr.execute(
        """
        UPDATE billing_service service
           SET setup_price = tariff.setup_price,
               setup_product_id = tariff.product_id
          FROM billing_tariff tariff
         WHERE tariff.id = service.tariff_id
           AND service.setup_due
        """
    )
