from . import bills
from . import pay
