from . import account_move
from . import billing_invoice_proof
from . import billing_invoice_writer
from . import checks
from . import builder
from . import drafts
from . import run
from . import bill
