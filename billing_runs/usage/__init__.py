from . import bill
from . import cdr_record
from . import charge
from . import run
