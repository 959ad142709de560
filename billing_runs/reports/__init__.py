from . import billing_run_report
from . import billing_run_report_line
from . import billing_run_report_customer
from . import making
from . import history
from . import comparison
from . import preview
