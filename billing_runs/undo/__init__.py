from . import billing_run_undo
from . import bill
from . import run
