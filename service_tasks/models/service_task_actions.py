from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import LockError, UserError
from odoo.fields import Domain
from odoo.tools import format_date

from ...billing_tasks.texts import label
from .service_task import OPEN_STATES


class ServiceTask(models.Model):
    """What people do with a task: take it, hand it over, pass it on, close it, give it up."""

    _inherit = "service.task"

    def action_assign_to_me(self):
        """Take open tasks. Taking one's own again changes nothing."""
        self._check_open()
        for task in self._lock():
            if task.user_id and task.user_id != self.env.user and not self._is_manager():
                raise UserError(
                    self.env._(
                        "%(task)s is with %(user)s. Ask for it to be handed over.",
                        task=task.display_name,
                        user=task.user_id.name,
                    )
                )
            task._assign(self.env.user)
        return True

    def action_hand_over(self, user_id):
        """Give open tasks to a colleague who may see them.

        :param int user_id: the colleague.
        """
        self._check_open()
        user = self.env["res.users"].sudo().browse(int(user_id)).exists()
        for task in self._lock():
            if user not in task._candidates():
                raise UserError(
                    self.env._(
                        "%(user)s cannot take %(task)s: it is for members of %(department)s.",
                        user=user.name or self.env._("This user"),
                        task=task.display_name,
                        department=task.department_id.name or self.env._("billing managers"),
                    )
                )
            task._assign(user)
        return True

    def action_transfer(self, department_id):
        """Pass open tasks to another department. Its members are told; the old one, and an
        assignee who is not of the new one, lose sight of it.

        :param int department_id: the department.
        :return: an action that opens the list, since the task itself may be out of sight now.
        """
        self._check_open()
        department = self.env["hr.department"].sudo().browse(int(department_id)).exists()
        for task in self._lock():
            if not department or department.company_id not in (
                task.company_id,
                self.env["res.company"],
            ):
                raise UserError(self.env._("Choose a department of the task's company."))
            if department not in department._served_departments(task.sudo().company_id):
                raise UserError(department._unserved_text())
            if task.department_id != department:
                task._move_to(department)
        return self._list_action()

    def action_close(self):
        """Close a task: check it, apply its operation to the service, write the histories, and
        on a set-up queue the customer's opening mail, all in one transaction.

        Only the assignee closes. Of two people at once one wins, the other is told.
        """
        self.check_access("write")
        for task in self._lock():
            task._check_closable()
            task._close()
        return True

    def action_cancel(self, reason):
        """Give up open tasks and the operations behind them.

        :param str reason: kept in the histories; required.
        """
        self._check_open()
        reason = (reason or "").strip()
        if not reason:
            raise UserError(self.env._("Say why the task is cancelled."))
        for task in self._lock():
            operation = task.sudo().operation_id
            text = self.env._(
                "Cancelled by %(user)s: %(reason)s", user=self.env.user.name, reason=reason
            )
            task._set_state("cancelled", {"cancel_reason": reason})
            operation._cancel(text)
        return True

    def action_open_dialog(self):
        """Open the dialog named in the context: hand over, transfer or cancel."""
        self.ensure_one()
        self._check_open()
        mode = self.env.context.get("service_task_dialog")
        titles = {
            "hand_over": self.env._("Hand Over"),
            "transfer": self.env._("Pass to Another Department"),
            "cancel": self.env._("Cancel Task"),
        }
        if mode not in titles:
            raise UserError(self.env._("There is no such dialog."))
        return {
            "type": "ir.actions.act_window",
            "name": titles[mode],
            "res_model": "service.task.dialog",
            "view_mode": "form",
            "target": "new",
            "context": {"default_task_id": self.id, "default_mode": mode},
        }

    def action_reset_mail(self):
        """Forget what was edited in the opening mail: the template counts again."""
        self.check_access("write")
        self._check_editable()
        return self.sudo()._own().write({"own_mail_subject": False, "own_mail_body": False})

    def action_send_opening_mail_again(self):
        """Queue the opening mails of closed tasks anew that did not leave."""
        self.check_access("write")
        self.sudo().operation_id._send_opening_mail_again()
        return True

    def action_open_secrets(self):
        """Open the passwords of the service, to read and fill in."""
        self.ensure_one()
        self.check_access("read")
        self._check_editable()
        service = self.sudo().service_id
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Passwords of %s", service.display_name),
            "res_model": "billing.service.secret",
            "view_mode": "list",
            "views": [
                (self.env.ref("billing_operations.service_task_secret_view_list").id, "list")
            ],
            "target": "new",
            "domain": [("service_id", "=", service.id)],
            "help": Markup('<p class="o_view_nocontent_smiling_face">%s</p><p>%s</p>')
            % (
                self.env._("No passwords yet"),
                self.env._(
                    "The customer finds what you enter here on the portal page, never in an e-mail."
                ),
            ),
            "context": {"default_service_id": service.id},
        }

    def action_open_service(self):
        """Open the service, for people with billing rights."""
        self.ensure_one()
        self.check_access("read")
        self.env["billing.service"].check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": "billing.service",
            "res_id": self.sudo().service_id.id,
            "views": [(False, "form")],
        }

    # === CHECKS === #

    def _check_open(self):
        self.check_access("write")
        self._raise_if_closed()

    def _raise_if_closed(self):
        for task in self:
            if task.state not in OPEN_STATES:
                raise UserError(
                    self.env._(
                        "%(task)s is %(state)s already: %(user)s ended it on %(date)s.",
                        task=task.display_name,
                        state=label(task, "state").lower(),
                        user=task.sudo().closed_by_id.name,
                        date=fields.Datetime.context_timestamp(task, task.closed_date).strftime(
                            "%Y-%m-%d %H:%M"
                        ),
                    )
                )

    def _lock(self):
        """Lock these tasks for this transaction, so that one person at a time ends them.

        :raise UserError: where somebody else is doing so now, or did.
        """
        self.env.flush_all()
        try:
            self.sudo().lock_for_update(allow_referencing=True)
        except LockError as error:
            raise UserError(
                self.env._(
                    "Somebody else is closing or changing this task right now. Reload it and look "
                    "again."
                )
            ) from error
        self.invalidate_recordset()
        self._raise_if_closed()
        return self

    def _check_closable(self):
        """The task's own rules for being closed."""
        self.ensure_one()
        if not self.user_id:
            raise UserError(
                self.env._("%s has no assignee. Assign it to yourself first.", self.display_name)
            )
        if self.user_id != self.env.user and not self.env.su:
            raise UserError(
                self.env._(
                    "%(task)s is with %(user)s, who alone can close it. Assign it to yourself "
                    "first.",
                    task=self.display_name,
                    user=self.user_id.name,
                )
            )
        if self.type in ("delete", "suspend", "resume"):
            if self.activation_date > self.company_id.sudo()._billing_today():
                raise UserError(
                    self.env._(
                        "%(task)s takes effect when it is closed, but its activation date is "
                        "%(day)s. Close it on that day, or set the date on which it was done.",
                        task=self.display_name,
                        day=format_date(self.env, self.activation_date),
                    )
                )
            return
        if self.send_opening_mail and self.mail_recipient and self.mail_problem:
            raise UserError(
                self.env._(
                    "There is no opening mail to send: %s Or write subject and text yourself on "
                    "the tab Opening Mail, or untick it there; then close again.",
                    self.mail_problem,
                )
            )
        rows = self.read(["parameters"])[0]["parameters"]
        if missing := self.sudo().tariff_id._missing_parameters(rows):
            raise UserError(
                self.env._("Fill in on the tab Main Settings first: %s.", ", ".join(missing))
            )

    # === BUSINESS === #

    def _close(self):
        """Apply the operation and end the task."""
        self.ensure_one()
        operation = self.sudo().operation_id
        parameters = None
        if self.type in ("setup", "change"):
            rows = self.read(["parameters"])[0]["parameters"]
            parameters = self.env["billing.tariff"]._plain_parameters(rows)
        mail = {"subject": self.mail_subject, "body": self.mail_body}
        operation._stop_processing(self.env._("A person has done it."))
        operation._apply(self.activation_date, parameters, self._changed_quantities())
        self._set_state("done")
        message = self.env._("Done by %s.", self.env.user.name)
        operation._set_state("done", {"message": message})
        operation._note_on_service(
            self.env._(
                "%(task)s closed by %(user)s, effective %(day)s.",
                task=self.number,
                user=self.env.user.name,
                day=self.activation_date,
            )
        )
        if self.type == "setup" and self.send_opening_mail:
            operation._send_opening_mail(mail["subject"], mail["body"])
        operation._tell_customer()
        operation.service_id._start_next_operation()

    def _assign(self, user):
        """Give this task to ``user``; it is in progress then."""
        self.ensure_one()
        if self.user_id == user and self.state == "in_progress":
            return
        task = self.sudo()
        if task.user_id and task.user_id != user:
            task._forget_people(task.user_id.partner_id)
        values = {"user_id": user.id}
        if not task._set_state("in_progress", values):
            task._own().write(values)

    def _move_to(self, department):
        """Pass this task to a department, as new."""
        task = self.sudo()
        old = task.department_id
        values = {
            "department_id": department.id,
            "user_id": False,
            "deadline": self._deadline(department, task.company_id, task.type),
        }
        if not task._set_state("new", values):
            task._own().write(values)
        task._regenerate()
        task.activity_ids.unlink()
        may_see = task._candidates().partner_id
        task._forget_people(task.message_partner_ids - may_see)
        members = (department._member_users() & task._candidates()) - self.env.user
        if members:
            task.message_notify(
                partner_ids=members.partner_id.ids,
                subject=self.env._("%s was passed to your department", task.display_name),
                body=self.env._(
                    "%(user)s passed %(task)s from %(old)s to %(new)s.",
                    user=self.env.user.name,
                    task=task.display_name,
                    old=old.name or self.env._("no department"),
                    new=department.name,
                ),
            )

    def _set_deadline(self, deadline):
        """Give open tasks another deadline (UTC)."""
        for task in self:
            task._raise_if_closed()
        self.sudo()._own().write({"deadline": deadline})

    def _forget_people(self, partners):
        internal = partners.filtered("user_ids")
        if internal:
            self.message_unsubscribe(internal.ids)

    def _candidates(self):
        """Return the users who may see this task and so take it."""
        self.ensure_one()
        departments = self.env["hr.department"].sudo()
        if self.department_id:
            departments = departments.search([("id", "parent_of", self.sudo().department_id.id)])
        company = self.sudo().company_id
        members = departments._member_users().filtered(
            lambda user: user.has_group("billing_operations.group_service_tasks")
        )
        return (members | self._managers()).filtered(
            lambda user: user.active and company in user.company_ids
        )

    @api.model
    def _managers(self):
        """Return the billing managers, who see every task of their companies."""
        return self.env.ref("billing_operations.group_billing_manager").sudo().all_user_ids

    @api.model
    def _list_action(self):
        """Return the action that lists what is the user's to do: their own tasks and their
        departments'; all open ones for a manager where these are none."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.service_task_action"
        )
        action["target"] = "main"
        mine = Domain("user_id", "=", self.env.uid) | Domain("in_my_departments", "=", True)
        mine &= Domain("state", "in", OPEN_STATES)
        if self._is_manager() and not self.search_count(mine, limit=1):
            action["context"] = {"search_default_open": 1}
        return action
