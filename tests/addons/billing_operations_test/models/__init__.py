from . import accounting_export_connection
from . import billing_task
from . import billing_test_effect
from . import payment_provider
from . import payment_transaction
