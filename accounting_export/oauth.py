"""What the code flow needs: state and PKCE, the address to send a person to, what a token's answer says."""

import base64
import hashlib
import hmac
import secrets
from urllib.parse import urlencode

#: seconds in which a person has to come back
LOGIN_SECONDS = 600
#: a token is not used for the last seconds of its life
SPARE_SECONDS = 120


def new_secret() -> str:
    """Return a secret for a state or a verifier: 43 letters that go into an address."""
    return secrets.token_urlsafe(32)


def digest(state: str) -> str:
    """Return what is kept of a state: nobody who reads it can make the state of it."""
    return hashlib.sha256(state.encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Return whether two digests are the same, in a time that says nothing about them."""
    return hmac.compare_digest(one.encode(), other.encode())


def challenge(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636).

    >>> challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
    """
    hashed = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()


def login_url(
    address: str, client_id: str, redirect: str, scopes: str, state: str, verifier: str
) -> str:
    """Return where a person agrees to the connection."""
    query = urlencode(
        {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": redirect,
            "scope": " ".join(scopes.split()),
            "state": state,
            "code_challenge": challenge(verifier),
            "code_challenge_method": "S256",
        }
    )
    return f"{address}?{query}"


def expiry(now: float, answer: dict) -> float:
    """Return when the token in an answer ends; a minute from now where it does not say."""
    try:
        seconds = float(answer.get("expires_in"))
    except (TypeError, ValueError):
        seconds = 60.0
    return now + seconds


def is_fresh(expires: float | None, now: float) -> bool:
    """Return whether a token that ends at a time may be used."""
    return bool(expires) and expires - SPARE_SECONDS > now
