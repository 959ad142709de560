"""Lines of the server's log for programs that read logs: one JSON object each, no customer data.

They come from the logger ``odoo.addons.billing_operations.billing_tasks.log_lines`` at level INFO,
as ``billing {"event": …}``; a log handler of that name may lead them elsewhere.
"""

import json
import logging

_logger = logging.getLogger(__name__)


def log_line(event: str, **figures) -> None:
    """Write one line: what happened, with numbers, codes and ids alone.

    :param event: such as ``task_ended``
    """
    if _logger.isEnabledFor(logging.INFO):
        _logger.info("billing %s", json.dumps({"event": event, **figures}, default=str))
