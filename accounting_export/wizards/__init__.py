from . import accounting_export_again
from . import accounting_export_tenant
