from . import billing_run_execute
from . import billing_run_individual
