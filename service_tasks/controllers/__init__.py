from . import webhook
from . import portal
from . import requests
