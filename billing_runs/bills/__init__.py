from . import billing_bill
from . import isolation
from . import rating
from . import low_invoice
from . import balances
from . import charge
from . import cause
