"""What a mail server's answer says about one e-mail: pure functions."""

import smtplib


def original_error(error: BaseException) -> BaseException:
    """Return the mail server's or network's error behind the one Odoo raises in its place."""
    seen = error
    while seen is not None:
        if isinstance(seen, OSError):  # every SMTPException is one
            return seen
        seen = seen.__cause__ or seen.__context__
    return error


def judge_failure(error: BaseException) -> tuple[str, str]:
    """Judge an error raised while an e-mail was handed over.

    :return: ``(verdict, text)``; verdict ``refused`` (never again by itself) or
        ``later`` (the server asks to try again) where the e-mail certainly was not
        taken, ``unknown`` where the connection broke and nobody can tell
    """
    error = original_error(error)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
    elif isinstance(error, smtplib.SMTPResponseException):
        code, text = error.smtp_code, error.smtp_error
    elif isinstance(error, OSError) and not isinstance(error, smtplib.SMTPNotSupportedError):
        return "unknown", _readable(error)
    else:
        # Raised before anything was handed over: the e-mail itself cannot be sent.
        return "refused", _readable(error)
    verdict = "later" if 400 <= code < 500 else "refused"
    return verdict, f"{code} {_readable(text)}"


def _readable(text):
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return str(text).strip() or type(text).__name__
