from . import account_move_line
from . import account_move
from . import annexes
from . import cdr_record
from . import charge
from . import res_partner
from . import controllers
