from . import billing_task_priority
