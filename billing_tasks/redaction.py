"""Keeps secrets out of parameters and logs."""

import re

_SECRET_WORDS = (
    "(?:pass(?:word|wd|phrase)|secret|api_?key|private_?key|access_?token|auth_?token|bearer"
    "|cvv|cvc)"
)
_SECRET_KEY = re.compile(rf"(?:^|_){_SECRET_WORDS}(?:$|_)", re.IGNORECASE)
# Each pattern starts with a literal, so that long texts cost linear time.
_SECRET_ASSIGNMENT = re.compile(
    rf"({_SECRET_WORDS}[\"']?\s{{0,9}}[:=]\s{{0,9}})(\"[^\"]*\"|'[^']*'|[^\s,;&}}]+)", re.IGNORECASE
)
_URL_CREDENTIALS = re.compile(r"(://[^\s/:@]{1,200}:)[^\s/@]{1,200}@")


def secret_keys(value):
    """Return the names of all keys in a JSON value that look like they hold a secret.

    >>> secret_keys({"user": "a", "auth": {"api_key": "b"}})
    ['api_key']
    """
    found = []
    if isinstance(value, dict):
        for key, item in value.items():
            if _SECRET_KEY.search(str(key)):
                found.append(str(key))
            found += secret_keys(item)
    elif isinstance(value, list | tuple):
        for item in value:
            found += secret_keys(item)
    return found


def redact(text):
    """Return `text` with the values of what looks like a secret replaced by `***`.

    >>> redact("login failed: password=abc, sftp://joe:xyz@host/")
    'login failed: password=***, sftp://joe:***@host/'
    """
    return _URL_CREDENTIALS.sub(r"\1***@", _SECRET_ASSIGNMENT.sub(r"\1***", text))
