from . import move
from . import start
