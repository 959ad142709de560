from . import portal
from . import files
