from . import billing_wallet_dialog
from . import billing_wallet_statement
