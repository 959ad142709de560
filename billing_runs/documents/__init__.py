from . import bill
from . import ir_actions_report
