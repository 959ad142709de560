from . import base_partner_merge_automatic_wizard
from . import billing_wallet_bank
from . import billing_wallet_dialog
from . import billing_wallet_statement
from . import billing_wallet_top_up
