from . import models, wizards
from . import controllers
from .hooks import create_extensions
from .loose_many2one import drop_holds
from .models.billing_charge_overlap import drop_overlap_triggers
