from . import bill
from . import cdr_record
from . import charge
from . import run
from . import billing_usage_earlier
from . import correction
from . import correcting
from . import rerate
