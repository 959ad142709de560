from . import billing_test_reading
from . import billing_charge
from . import billing_bill
from . import billing_run
