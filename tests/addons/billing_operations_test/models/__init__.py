from . import billing_task
from . import billing_test_effect
