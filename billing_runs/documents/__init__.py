from . import annexes
from . import bill
from . import ir_actions_report
