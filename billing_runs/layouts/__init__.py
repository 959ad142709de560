from . import account_move
from . import ir_actions_report
from . import res_company
from . import res_country_group
from . import uom_uom
