from . import base_partner_merge_automatic_wizard
from . import billing_mandate_amend
from . import billing_mandate_import
from . import billing_mandate_import_line
from . import billing_payment_return_hand
from . import billing_payment_return_import
from . import billing_overdue_preview
from . import billing_overdue_preview_line
