from . import cdr_upload
