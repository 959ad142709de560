"""Signs what leaves for a webhook and checks what comes back. Plain functions, no database.

The signature is ``sha256=`` and the hex HMAC-SHA256, under the module's secret key, of the time-stamp
header, a full stop and the body's bytes. It covers the time-stamp, so an old message cannot be
sent again with a new one.
"""

import hashlib
import hmac
import time

TIMESTAMP_HEADER = "X-Billing-Timestamp"
SIGNATURE_HEADER = "X-Billing-Signature"
KEY_HEADER = "Idempotency-Key"
WINDOW = 300  # seconds that the two clocks may differ


def sign(secret: str, timestamp: int | str, body: bytes) -> str:
    """Return the signature header's value.

    >>> sign("k", 1, b"{}")[:14]
    'sha256=3dd49b2'
    """
    message = str(timestamp).encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def signed_headers(secret: str, body: bytes, now: float | None = None) -> dict[str, str]:
    """Return the two headers that sign ``body``, sent now."""
    timestamp = str(int(time.time() if now is None else now))
    return {TIMESTAMP_HEADER: timestamp, SIGNATURE_HEADER: sign(secret, timestamp, body)}


def is_genuine(
    secret: str, timestamp: str, signature: str, body: bytes, now: float | None = None
) -> bool:
    """Did somebody who knows the secret sign ``body`` within the last few minutes?"""
    if not (secret and timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):
        return False
    if abs((time.time() if now is None else now) - int(timestamp)) > WINDOW:
        return False
    expected = sign(secret, timestamp, body)
    return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))
