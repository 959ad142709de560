"""Mails that leave soon after the transaction that queued them."""

from odoo.models import BaseModel


def queue_mails(env, vals_list: list[dict]) -> BaseModel:
    """Queue mails, and have the queue looked at: by itself that happens once an hour.

    :return: the mails
    """
    mails = env["mail.mail"].sudo().create(vals_list)
    if mails:
        env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()
    return mails
