from . import account_move_reversal
from . import base_partner_merge_automatic_wizard
from . import billing_charge_adjust_wizard
from . import billing_charge_waive_wizard
from . import billing_service_change_wizard
from . import billing_service_change_wizard_line
from . import billing_service_status_wizard
