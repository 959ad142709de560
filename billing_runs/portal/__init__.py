from . import account_move
from . import bill
from . import paying
from . import payment_transaction
from . import controllers
