from . import billing_asking_mixin
from . import billing_question
from . import billing_limited_mixin
from . import billing_criterion
from . import term_scheme
from . import billing_cycle
from . import schedule
from . import billing_message_template
