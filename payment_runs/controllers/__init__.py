from . import portal
from . import files
from . import portal_top_up
