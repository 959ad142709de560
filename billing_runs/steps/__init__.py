from . import billing_run_step
from . import panel
from . import pre
from . import post
from . import tie_out
from . import readiness
from . import reports
from . import delivery
