"""Takes the pictures of the guide from the demo: `docs.py ADDRESS CHROMIUM FOLDER`, with `env`.

Each is the screen of the role that it is for, at 1366 pixels; colours are reduced, so that pictures
stay small in version control.
"""

import base64
import io
import itertools
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import requests
import websocket
from PIL import Image

ADDRESS, CHROMIUM, FOLDER = sys.argv[1], sys.argv[2], Path(sys.argv[3])
WIDTH, HEIGHT, COLOURS = 1366, 800, 128
TRIES = 120
READY = """
    !!document.querySelector('.o_view_controller, .o_billing_start, .o_portal, main')
    && !document.querySelector('.o_loading_indicator, .o_blockUI')
    && [...document.images].every((image) => image.complete)
"""


def newest(model, *domain):
    """Return the id of the newest record that the administrator can see."""
    companies = env["res.company"].search([])
    records = env[model].with_context(allowed_company_ids=companies.ids)
    return records.search(list(domain), order="id desc", limit=1).id


def screen(menu, record=""):
    """Return the address of what a menu opens, or of one of its records."""
    action = env.ref(f"billing_operations.{menu}").action
    return f"/odoo/action-{action.id}" + (f"/{record}" if record else "")


def pictures():
    """Return ``{name: (login, path)}``."""
    billed = ("run_type", "=", "postpaid"), ("stage", "=", "formatting")
    return {
        "start": ("admin", screen("menu_billing_start")),
        "run": ("admin", screen("menu_billing_run", newest("billing.run", *billed))),
        "bills": ("admin", screen("menu_billing_bill")),
        "cdrs": ("admin", screen("menu_cdr_file")),
        "payment_run": (
            "admin",
            screen("menu_billing_payment_run", newest("billing.payment.run")),
        ),
        "price_change": (
            "admin",
            screen("menu_billing_price_change", newest("billing.price.change")),
        ),
        "service": ("admin", screen("menu_billing_service", newest("billing.service"))),
        "tasks": ("admin", screen("menu_billing_task")),
        "service_tasks": ("hosting.staff", screen("menu_service_task")),
        "portal": (portal_login(), "/my"),
        "portal_bills": (portal_login(), "/my/bills"),
    }


def portal_login():
    """Return the login of a customer of the demo who has bills."""
    return env["res.users"].search([("login", "=", "primrose.portal")]).login


def session(login):
    """Return the cookie of somebody who has logged in with the name as the password."""
    browser = requests.Session()
    values = {"db": env.cr.dbname, "login": login, "password": login}
    answer = browser.post(
        f"{ADDRESS}/web/session/authenticate", json={"params": values}, timeout=60
    )
    answer.raise_for_status()
    return [cookie.value for cookie in browser.cookies if cookie.name == "session_id"][-1]


class Browser:
    """A Chromium without a window, over its DevTools protocol."""

    def __init__(self, address):
        self.socket = websocket.create_connection(address, timeout=120)
        self.numbers = itertools.count(1)

    def __call__(self, method, **values):
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": values}))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == number:
                return answer.get("result", answer)

    def picture(self, path):
        """Return what a page looks like, once it is complete."""
        self("Page.navigate", url=ADDRESS + path)
        for _try in range(TRIES):
            time.sleep(0.5)
            found = self("Runtime.evaluate", expression=READY, returnByValue=True)
            if found.get("result", {}).get("value"):
                break
        else:
            raise RuntimeError(f"{path} did not come")
        time.sleep(1.5)
        return base64.b64decode(self("Page.captureScreenshot", format="png")["data"])


@contextmanager
def browser():
    with tempfile.TemporaryDirectory() as profile:
        process = subprocess.Popen(
            [
                *(CHROMIUM, "--headless=new", "--no-sandbox", "--remote-debugging-port=0"),
                *("--remote-allow-origins=*", f"--user-data-dir={profile}", "--hide-scrollbars"),
                *(f"--window-size={WIDTH},{HEIGHT}", "about:blank"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            port = Path(profile, "DevToolsActivePort")
            for _try in range(TRIES):
                if port.exists() and port.read_text().strip():
                    break
                time.sleep(0.5)
            address = f"http://127.0.0.1:{port.read_text().split()[0]}/json"
            with urllib.request.urlopen(address, timeout=30) as answer:
                pages = json.load(answer)
            yield Browser(next(p["webSocketDebuggerUrl"] for p in pages if p["type"] == "page"))
        finally:
            process.terminate()
            process.wait(30)


def main():
    wanted = pictures()
    for login in {login for login, _path in wanted.values()} - {"admin"}:
        env["res.users"].search([("login", "=", login)]).password = login
    env.cr.commit()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with browser() as chromium:
        chromium("Network.enable")
        size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        chromium("Emulation.setDeviceMetricsOverride", **size)
        for name, (login, path) in wanted.items():
            chromium("Network.setCookie", name="session_id", value=session(login), url=ADDRESS)
            image = Image.open(io.BytesIO(chromium.picture(path))).convert("RGB")
            file = FOLDER / f"{name}.png"
            image.quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)
            print(f"{file.name}: {file.stat().st_size / 1024:.0f} KB", flush=True)


main()
