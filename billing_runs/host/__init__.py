from . import res_company
from . import account_move
from . import account_move_line
from . import task
from . import res_config_settings
from . import res_partner
from . import service
from . import base_partner_merge_automatic_wizard
