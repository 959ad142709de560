from . import cdr_record
from . import charge
from . import rating
