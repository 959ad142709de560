#!/bin/sh
# xero-python 15.2.0: a request whose connection breaks is sent again by urllib3, up to four times in all, also
# one that creates invoices (PUT counts as safe to repeat there), and an answer of 429 with Retry-After has the
# process sleep for as long as it says. Both happen inside one call, and nothing of the SDK's says so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet xero-python==15.2.0 urllib3==1.26.20
cat > "$folder/show.py" <<'PYTHON'
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from xero_python.accounting import AccountingApi, Invoice, Invoices
from xero_python.api_client import ApiClient
from xero_python.api_client.configuration import Configuration
from xero_python.api_client.oauth2 import OAuth2Token

asked = []


class Xero(BaseHTTPRequestHandler):
    def do_PUT(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        asked.append(time.monotonic())
        if self.path.startswith("/breaks"):
            self.connection.close()
            return
        self.send_response(429 if len(asked) == 1 else 400)
        self.send_header("Retry-After", "3")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Xero)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}"
token = {"access_token": "x", "scope": ["x"], "expires_in": 1, "token_type": "Bearer"}
client = ApiClient(Configuration(oauth2_token=OAuth2Token()), oauth2_token_getter=lambda: token)
body = Invoices(invoices=[Invoice(type="ACCREC")])
for path in ("breaks", "waits"):
    asked.clear()
    begun = time.monotonic()
    try:
        AccountingApi(client, base_url=f"{url}/{path}").create_invoices("tenant", body)
    except Exception as error:
        print(path, "- sent:", len(asked), "- seconds:", round(time.monotonic() - begun, 1), type(error).__name__)
    assert len(asked) == (4 if path == "breaks" else 2), "it has changed"
assert time.monotonic() - begun >= 3
PYTHON
"$folder/venv/bin/python" "$folder/show.py"
