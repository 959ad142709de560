from . import res_company
from . import account_move
from . import account_move_line
from . import billing_task
from . import res_config_settings
from . import res_partner
from . import billing_service
from . import base_partner_merge_automatic_wizard
