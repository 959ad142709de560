from . import test_task_policy
from . import test_task_queue
