from . import service_task_dialog
from . import billing_service_status_wizard
from . import billing_service_change_wizard
