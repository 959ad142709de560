"""One request to Xero by its own SDK (``xero-python``, imported only here and in ``xero_models.py``).

A request is made once: neither the SDK nor the HTTP library below it repeats it, follows the wait of a
busy server, or waits without end. What came of it is an ``Answer``; that nobody knows is ``NoAnswer``.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from .pacing import told

PACKAGE = "xero-python==15.2.0"
#: seconds to connect, and between two pieces of an answer
TIMES = (10, 90)
#: what is asked for, in the words of apps made since March 2026
SCOPES = (
    "offline_access accounting.settings.read accounting.contacts accounting.invoices"
    " accounting.payments.read"
)


@dataclass(frozen=True)
class Hosts:
    """Where Xero is."""

    login: str = "https://login.xero.com/identity/connect/authorize"
    token: str = "https://identity.xero.com/connect/token"
    api: str = "https://api.xero.com"


@dataclass(frozen=True)
class Door:
    """What opens the door to one organisation. Never shown: it holds secrets."""

    hosts: Hosts
    client_id: str
    client_secret: str = field(repr=False)
    access: str = field(default="", repr=False)
    tenant: str = ""


@dataclass(frozen=True)
class Answer:
    """What Xero said.

    ``outcome``: ``done``; ``refused``, nothing was done; ``later``, nothing was done, ask again after
    ``seconds``; ``unauthorized``, the token is not valid; ``forbidden``, this organisation is not open
    to it; ``gone``, there is no such thing.
    """

    outcome: str
    data: dict = field(default_factory=dict, repr=False)
    seconds: float = 0.0
    #: which limit was reached, or what went wrong, in Xero's own words
    problem: str = ""


class NoAnswer(Exception):
    """The request left, and no whole answer came back: nobody knows what became of it."""


def is_installed() -> bool:
    """Return whether the SDK is there."""
    try:
        import xero_python.accounting
    except ImportError:
        return False
    return bool(xero_python.accounting)


def call(door: Door, ask: Callable) -> Answer:
    """Make one request of the accounting API and return what came of it.

    :param ask: a function of the SDK's API, of options that it hands on, and of the tenant
    :raise NoAnswer: nobody knows what came of it
    """
    from xero_python.accounting import AccountingApi

    client = _client(door)
    api = AccountingApi(client, base_url=f"{door.hosts.api}/api.xro/2.0")
    options = {"_preload_content": False, "_request_timeout": TIMES}
    return _answer(lambda: ask(api, options, door.tenant))


def tenants(door: Door) -> Answer:
    """Ask which organisations a token opens: ``data["tenants"]``."""
    from xero_python.identity import IdentityApi

    api = IdentityApi(_client(door), base_url=door.hosts.api)
    answer = _answer(lambda: api.get_connections(_preload_content=False, _request_timeout=TIMES))
    found = answer.data if isinstance(answer.data, list) else []
    return Answer(answer.outcome, {"tenants": found}, answer.seconds, answer.problem)


def tokens(door: Door, values: dict) -> Answer:
    """Ask for tokens: by a code, a refresh token, or the client's own credentials.

    The SDK's own way is not taken: it knows no codes, and an answer with a word that is new to it makes it
    lose the tokens, after the old one was used.

    :raise NoAnswer: nobody knows what came of it
    """
    rest = _client(door).rest_client
    secret = f"{door.client_id}:{door.client_secret}".encode()
    if door.client_secret:
        headers = {"Authorization": f"Basic {base64.b64encode(secret).decode()}"}
    else:
        headers, values = {}, {**values, "client_id": door.client_id}
    headers |= {
        "Accept": "application/json",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return _answer(
        lambda: rest.POST(
            door.hosts.token,
            headers=headers,
            post_params=values,
            _preload_content=False,
            _request_timeout=TIMES,
        )
    )


def _client(door):
    from xero_python.api_client import ApiClient
    from xero_python.api_client.configuration import Configuration
    from xero_python.api_client.oauth2 import OAuth2Token

    configuration = Configuration(oauth2_token=OAuth2Token())
    configuration.connection_pool_maxsize = 1
    scheme = urlsplit(door.hosts.api).scheme
    if not proxy_bypass(urlsplit(door.hosts.api).netloc):
        configuration.proxy = getproxies().get(scheme)
    token = {
        "access_token": door.access,
        "scope": None,
        "expires_in": None,
        "token_type": "Bearer",
    }
    client = ApiClient(configuration, oauth2_token_getter=lambda: token)
    # Otherwise a broken connection has the request made up to four times, and an answer of 429 has the
    # process sleep for as long as it says.
    client.rest_client.pool_manager.connection_pool_kw["retries"] = False
    return client


def _answer(request):
    """Make a request and say what came of it."""
    import urllib3
    from xero_python import exceptions

    try:
        response = request()
        body = response.data
    except exceptions.HTTPStatusException as error:
        return _refusal(error.http_resp.urllib3_response)
    except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
        return Answer("later", seconds=60.0, problem=str(error))
    except urllib3.exceptions.ProxyError as error:
        return Answer("later", seconds=60.0, problem=str(error))
    except exceptions.ApiSSLException as error:
        if "CERTIFICATE_VERIFY_FAILED" not in str(error.reason):
            raise NoAnswer(str(error.reason)) from error
        # Nothing is sent to a server that is not trusted.
        return Answer("later", seconds=60.0, problem=str(error.reason))
    except urllib3.exceptions.HTTPError as error:
        raise NoAnswer(f"{type(error).__name__}: {error}") from error
    try:
        return Answer("done", json.loads(body, parse_float=Decimal))
    except ValueError as error:
        raise NoAnswer("the answer is not JSON") from error


def _refusal(response):
    """Return what an answer other than success means."""
    status = response.status
    data = _said(response.data)
    problem = _problem(data) or f"HTTP {status}"
    if status == 429:
        limit = response.headers.get("X-Rate-Limit-Problem") or ""
        return Answer("later", data, told(response.headers.get("Retry-After")), limit or "minute")
    if status == 503:
        # The organisation is offline, or Xero takes no requests now.
        return Answer("later", data, told(response.headers.get("Retry-After")), problem)
    if status == 401:
        return Answer("unauthorized", data, problem=problem)
    if status == 403:
        return Answer("forbidden", data, problem=problem)
    if status == 404:
        return Answer("gone", data, problem=problem)
    if 400 <= status < 500 and status != 408:
        return Answer("refused", data, problem=problem)
    raise NoAnswer(problem)


def _said(body):
    try:
        data = json.loads(body, parse_float=Decimal)
    except (ValueError, TypeError):
        return {}
    return data if isinstance(data, dict) else {}


def _problem(data):
    """Return an error's own words, without what it quotes of the request."""
    for name in ("Detail", "error_description", "Message", "error", "Title"):
        if isinstance(data.get(name), str) and data[name]:
            return data[name][:500]
    return ""
