"""What went wrong with an e-mail, as a sentence that says what to do."""

import smtplib

from odoo.exceptions import UserError
from odoo.tools import config


def original_error(error: BaseException) -> BaseException:
    """Return the mail server's or network's error behind the one Odoo raises in its place."""
    seen = error
    while seen is not None:
        if isinstance(seen, OSError):  # every SMTPException is one
            return seen
        seen = seen.__cause__ or seen.__context__
    return error


def readable(text: object) -> str:
    """Return a mail server's answer or an error as text."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return str(text).strip() or type(text).__name__


def answer_of(error: BaseException) -> tuple[int | None, str]:
    """Return ``(code, text)`` of a mail server's answer; the code is None where it gave none."""
    if isinstance(error, smtplib.SMTPRecipientsRefused) and error.recipients:
        code, text = next(iter(error.recipients.values()))
        return code, readable(text)
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code, readable(error.smtp_error)
    return None, readable(error)


def server_address(env, sender, server=None) -> str:
    """Return ``host:port`` of the mail server that would take an e-mail of this sender; empty
    where there is none."""
    servers = env["ir.mail_server"].sudo()
    server = server or servers._find_mail_server(sender)[0]
    host = server.smtp_host if server else config.get("smtp_server")
    port = server.smtp_port if server else config.get("smtp_port")
    return f"{host}:{port}" if host else ""


def explain_no_session(env, error, address) -> str:
    """Return why no session with the outgoing mail server came about, and what to do.

    :param str address: of the server, as :func:`server_address` gives it
    """
    error = original_error(error)
    code, answer = answer_of(error)
    if isinstance(error, UserError) and not address:
        return env._(
            "There is no outgoing mail server: add one in Settings → General Settings →"
            " Outgoing Email Servers."
        )
    values = {"address": address, "answer": f"{code} {answer}" if code else answer}
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return env._(
            "The outgoing mail server at %(address)s does not accept user name and password"
            " (%(answer)s): correct them in Settings → General Settings →"
            " Outgoing Email Servers.",
            **values,
        )
    if isinstance(error, OSError) and not isinstance(error, smtplib.SMTPException):
        return env._(
            "No outgoing mail server answers at %(address)s (%(answer)s): look at Settings →"
            " General Settings → Outgoing Email Servers.",
            **values,
        )
    return env._(
        "The outgoing mail server at %(address)s takes no e-mails (%(answer)s): look at Settings →"
        " General Settings → Outgoing Email Servers.",
        **values,
    )


def explain_refusal(env, answer, recipient) -> str:
    """Return what a mail server's refusal of one e-mail means, and what to do.

    :param str answer: in the server's words
    """
    return env._(
        "The mail server did not take the e-mail to %(recipient)s: %(answer)s. Correct the"
        " address, or what the answer says, then send it again.",
        recipient=recipient,
        answer=answer.rstrip(". "),
    )
