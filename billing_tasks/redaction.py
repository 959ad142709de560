"""Keeps out of parameters and logs what must not get there: secrets, and what cannot be stored."""

import json
import re
from functools import lru_cache
from typing import Any

_SECRET_WORDS = (
    "(?:pass(?:word|wd|phrase)|pwd|secret|credentials?|api[_-]?key|private[_-]?key|access[_-]?token"
    "|auth[_-]?token|authorization|cvv|cvc)"
)
# A word of its own within a name like ``sftp_password``, ``client-secret`` or ``accessToken``; what ends in
# ``id`` only points to a record.
_SECRET_KEY = re.compile(
    rf"(?:^|[_-])(?:{_SECRET_WORDS}|token)s?(?:$|[_-](?!ids?$))", re.IGNORECASE
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Each pattern starts with a literal, so that long texts cost linear time.
_SECRET_ASSIGNMENT = re.compile(
    rf"((?:{_SECRET_WORDS}[\"']?\s{{0,9}}[:=]|token(?:[\"']\s{{0,9}}[:=]|=))\s{{0,9}})"
    r"(\"[^\"]*\"|'[^']*'|(?:(?:basic|bearer)\s{1,9})?[^\s,;&}]+)",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\b(bearer|basic)\s{1,9}[\w.~+/=-]{16,}", re.IGNORECASE)
_URL_CREDENTIALS = re.compile(r"(://[^\s/:@]{0,200}:)[^\s/@]{1,200}@")
_NUL_IN_JSON = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def plain_json(value: Any) -> Any:
    """Return a JSON value as it is read back once it was stored.

    :raise ValueError: where PostgreSQL could not store it: dates and other objects, NaN, infinity,
        the character NUL, halves of characters, or lists nested without end.
    """
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()
        if "\\u0000" in text and _NUL_IN_JSON.search(text):
            raise ValueError("it holds the character NUL")
        return json.loads(text)
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def storable_text(text: str) -> str:
    """Return ``text`` without what PostgreSQL cannot store: NUL and halves of characters."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


@lru_cache(maxsize=1024)
def _tells_of_a_secret(name):
    return bool(_SECRET_KEY.search(_HUMP.sub("_", name)))


def secret_keys(value, name: str = "value") -> list[str]:
    """Return the names of all keys in a JSON value that look like they hold a secret: by their
    names, or because they hold an address with a password in it.

    >>> secret_keys({"user": "a", "auth": {"api_key": "b"}})
    ['api_key']
    """
    found = []
    if isinstance(value, dict):
        for key, item in value.items():
            if _tells_of_a_secret(str(key)):
                found.append(str(key))
            found += secret_keys(item, str(key))
    elif isinstance(value, list | tuple):
        for item in value:
            found += secret_keys(item, name)
    elif isinstance(value, str) and _URL_CREDENTIALS.search(value):
        found.append(name)
    return list(dict.fromkeys(found))


def redact(text: str) -> str:
    """Return ``text`` with the values of what looks like a secret replaced by ``***``.

    >>> redact("login failed: password=abc, sftp://joe:xyz@host/")
    'login failed: password=***, sftp://joe:***@host/'
    """
    text = _BEARER.sub(r"\1 ***", text)
    return _URL_CREDENTIALS.sub(r"\1***@", _SECRET_ASSIGNMENT.sub(r"\1***", text))
