from . import cdr_rate_replace
from . import cdr_rate_import
from . import cdr_rate_import_line
from . import billing_error_assign
from . import billing_error_rate
from . import billing_error_dates
from . import billing_error_accept
from . import cdr_record_rerate
