from . import controllers, models, wizards
from .triggers import drop_triggers
