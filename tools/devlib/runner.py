"""Run a Python file with `env` on a database: `runner.py DATABASE FILE [ARGUMENT...]`.

Started by tools/dev with Odoo's Python. `env` is a superuser's environment; what the file does
not commit is rolled back. Its exit status is the file's."""

import os
import sys
from pathlib import Path

#: variable that asks for one sentence instead of a traceback
ONE_SENTENCE = "BILLING_DEV_ONE_SENTENCE"


def main():
    sys.path.pop(0)  # this folder's modules are not the file's
    database, file, *arguments = sys.argv[1:]
    sys.argv = [file, *arguments]

    from odoo import SUPERUSER_ID, api
    from odoo.modules.registry import Registry
    from odoo.service import server
    from odoo.tools import config

    config.parse_config(["-d", database, "--log-level=warn"], setup_logging=True)
    server.load_server_wide_modules()
    with Registry(database).cursor() as cr:
        context = api.Environment(cr, SUPERUSER_ID, {})["res.users"].context_get()
        env = api.Environment(cr, SUPERUSER_ID, context)
        names = {"__name__": "__main__", "__file__": file, "env": env}
        source = Path(file).read_text(encoding="utf-8")
        try:
            exec(compile(source, file, "exec"), names)  # noqa: S102 pylint: disable=exec-used
        except Exception as error:
            if not os.environ.get(ONE_SENTENCE):
                raise
            sys.exit(f"{type(error).__name__}: {error}")
        finally:
            sys.stdout.flush()
            cr.rollback()


main()
