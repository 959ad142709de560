from . import move
from . import start
from . import task_health
