from . import billing_tasks
from . import services
from . import service_tasks
from . import cdrs
from . import billing_runs
from . import payment_runs


def pre_init_hook(env):
    """Prepare the database before any table of the addon is created."""
    services.create_extensions(env)
