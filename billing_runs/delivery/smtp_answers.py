"""What a mail server's answer says about one e-mail: pure functions."""

import smtplib

from ...billing_tasks.mail_answers import answer_of, original_error


def judge_failure(error: BaseException) -> tuple[str, str]:
    """Judge an error raised while an e-mail was handed over.

    :return: ``(verdict, text)``; verdict ``refused`` (never again by itself) or
        ``later`` (the server asks to try again) where the e-mail certainly was not
        taken, ``unknown`` where the connection broke and nobody can tell
    """
    error = original_error(error)
    code, text = answer_of(error)
    if code:
        return ("later" if 400 <= code < 500 else "refused"), f"{code} {text}"
    if isinstance(error, OSError) and not isinstance(error, smtplib.SMTPNotSupportedError):
        return "unknown", text
    # Raised before anything was handed over: the e-mail itself cannot be sent.
    return "refused", text
