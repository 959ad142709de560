from . import base_partner_merge_automatic_wizard
from . import billing_run_execute
from . import billing_run_individual
from . import billing_delivery_resend
from . import billing_delivery_send
