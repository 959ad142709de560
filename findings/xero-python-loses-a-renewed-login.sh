#!/bin/sh
# xero-python 15.2.0: where the answer to a refresh of the login has a member that the SDK does not know, which
# OAuth 2.0 (RFC 6749, 5.1) says a client has to ignore, it raises TypeError after the answer came and before the
# application's saver of tokens is called. The old refresh token is used up by then, and the new one is known to nobody.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet xero-python==15.2.0 urllib3==1.26.20
cat > "$folder/show.py" <<'PYTHON'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from xero_python.api_client import ApiClient
from xero_python.api_client.configuration import Configuration
from xero_python.api_client.oauth2 import OAuth2Token, TokenApi

answer = {"access_token": "new", "refresh_token": "next", "expires_in": 1800, "token_type": "Bearer", "scope": "x"}
asked, saved = [], []


class Identity(BaseHTTPRequestHandler):
    def do_POST(self):
        asked.append(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Identity)
threading.Thread(target=server.serve_forever, daemon=True).start()
TokenApi.refresh_token_url = f"http://127.0.0.1:{server.server_address[1]}/token"
old = {"access_token": "old", "refresh_token": "once", "expires_in": 1800, "token_type": "Bearer", "scope": ["x"]}
login = OAuth2Token(client_id="id", client_secret="secret")
client = ApiClient(
    Configuration(oauth2_token=login), oauth2_token_getter=lambda: old, oauth2_token_saver=saved.append
)
client.refresh_oauth2_token()
print("as the SDK knows it - asked:", len(asked), "saved:", len(saved))
assert (len(asked), len(saved)) == (1, 1)
answer["session_state"] = "abc"
try:
    client.refresh_oauth2_token()
except TypeError as error:
    print("with one member more - asked:", len(asked), "saved:", len(saved), "-", error)
assert (len(asked), len(saved)) == (2, 1), "it has changed"
PYTHON
"$folder/venv/bin/python" "$folder/show.py"
