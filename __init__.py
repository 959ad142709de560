from . import billing_tasks
from . import services
from . import service_tasks
from . import cdrs
from . import wallets
from . import billing_runs
from . import payment_runs
from . import accounting_export


def pre_init_hook(env):
    """Prepare the database before any table of the addon is created."""
    services.create_extensions(env)


def uninstall_hook(env):
    """Let go of what the database does beside the tables."""
    wallets.drop_triggers(env)
    services.drop_holds(env)
    services.drop_overlap_triggers(env)
