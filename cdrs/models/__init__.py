from . import cdr_format
from . import cdr_format_column
from . import cdr_carrier
from . import cdr_file
from . import cdr_file_line
from . import cdr_record
