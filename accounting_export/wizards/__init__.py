from . import accounting_export_again
from . import accounting_export_tenant
from . import base_partner_merge_automatic_wizard
