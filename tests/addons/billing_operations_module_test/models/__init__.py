from . import service_processing_module
