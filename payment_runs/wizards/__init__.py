from . import billing_mandate_amend
from . import billing_mandate_import
from . import billing_mandate_import_line
