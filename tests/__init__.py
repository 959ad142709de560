from . import test_task_policy
from . import test_task_queue
from . import test_invoice_lines
from . import test_run
from . import test_run_access
from . import test_run_dates
from . import test_run_documents
from . import test_run_errors
