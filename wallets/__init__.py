from . import models, wizards
from .triggers import drop_triggers
