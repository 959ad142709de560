from . import annexes
from . import account_move
from . import account_move_send
from . import bill
from . import ir_actions_report
from . import ir_attachment
from . import notes
from . import run
