from . import portal
from . import files
from . import portal_top_up
from . import portal_means
from . import portal_invoices
