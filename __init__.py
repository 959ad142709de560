from . import billing_runs
