from . import cdr_rate_replace
from . import cdr_rate_import
from . import cdr_rate_import_line
