from . import res_company
from . import res_config_settings
from . import billing_closing
from . import billing_closing_line
from . import collecting
from . import posting
from . import account_move
from . import account_move_line
