from markupsafe import Markup

from odoo import models
from odoo.tools import format_date

from ...billing_tasks.texts import label

MAX_ATTEMPTS = 12


class ServiceTask(models.Model):
    """The three generated texts, written in the department's language, and written anew whenever
    the operation changes or the task moves to another department."""

    _inherit = "service.task"

    def _regenerate(self):
        """Write the texts from what the operation and the service say now."""
        for task in self.sudo():
            lang = task.department_id._service_task_lang(task.company_id)
            spoken = task.with_context(lang=lang)
            task._own().write(
                {
                    "description": spoken._describe_work(),
                    "close_actions": spoken._describe_closing(),
                    "service_description": spoken._describe_service(),
                }
            )

    def _describe_work(self) -> Markup:
        """Return what to do, step by step, and why a person has to."""
        operation, service = self.operation_id, self.service_id
        day = format_date(self.env, operation.effective_date)
        name = service.name or service.number
        headline = {
            "setup": self.env._("Set up the service %(name)s for %(customer)s, from %(day)s on."),
            "change": self.env._(
                "Change the service %(name)s of %(customer)s, from %(day)s on, as listed below."
            ),
            "delete": self.env._(
                "Close the service %(name)s of %(customer)s for good, from %(day)s on."
            ),
            "suspend": self.env._(
                "Turn off the service %(name)s of %(customer)s from %(day)s on, without deleting "
                "anything."
            ),
            "resume": self.env._(
                "Turn the service %(name)s of %(customer)s on again, from %(day)s on."
            ),
        }[self.type] % {"name": name, "customer": self.partner_id.display_name, "day": day}
        parts = [Markup("<p><strong>%s</strong></p>") % headline]
        if lines := operation._describe_request():
            parts.append(self._list(lines))
        parts.append(
            Markup("<p>%s</p>")
            % self.env._(
                "Asked for by: %s. Do it where the service really runs; this system only keeps "
                "the books.",
                self._describe_asker(),
            )
        )
        if operation.state in ("failed", "unknown"):
            parts.append(self._describe_failure())
        return Markup().join(parts)

    def _describe_asker(self) -> str:
        operation = self.operation_id
        asker = label(operation, "source")
        user = operation.requested_by_id
        return f"{asker} ({user.name})" if user and not user._is_superuser() else asker

    def _describe_failure(self) -> Markup:
        """Return why software could not do it: the error, and every attempt."""
        operation = self.operation_id
        if operation.state == "unknown":
            intro = self.env._(
                "It is not known whether %(module)s has done this already. Look it up there before "
                "you do anything (key %(key)s).",
                module=operation.module_id.name,
                key=operation.key,
            )
        else:
            intro = self.env._(
                "%s could not do this by itself, so it has to be done by hand.",
                operation.module_id.name,
            )
        attempts = self.env["billing.task.log"].search(
            [
                ("task_id", "=", operation.billing_task_id.id),
                ("level", "in", ("warning", "error")),
            ],
            order="id desc",
            limit=MAX_ATTEMPTS,
        )
        lines = [
            f"{attempt.date:%Y-%m-%d %H:%M:%S} UTC: {attempt.message.splitlines()[0]}"
            for attempt in reversed(attempts)
            if attempt.message
        ]
        return Markup("<p>%s</p><p>%s</p>%s") % (
            intro,
            self.env._("Error: %s", operation.message or "-"),
            Markup("<p>%s</p>%s") % (self.env._("Attempts:"), self._list(lines)) if lines else "",
        )

    def _describe_closing(self) -> Markup:
        """Return what pressing Close does."""
        lines = {
            "setup": [
                self.env._("The service becomes active; billing starts on its activation date."),
                self.env._("The main settings are kept on the service."),
                self.env._("The customer gets the opening mail, if it is ticked."),
            ],
            "change": [
                self.env._("The new terms, settings and add-ons count from the date above."),
                self.env._("The running period is credited and charged by the day."),
            ],
            "delete": [
                self.env._("The service is terminated; days billed beyond the date are credited."),
            ],
            "suspend": [
                self.env._("The service is suspended; what its billing terms say counts."),
            ],
            "resume": [self.env._("The service is active again and billed from the date above.")],
        }[self.type]
        return self._list([*lines, self.env._("Both histories get a note.")])

    def _describe_service(self) -> Markup:
        """Return the service and all that is set on it. No prices, no passwords."""
        operation, service = self.operation_id, self.service_id
        rows = [
            (self.env._("Service"), service.display_name),
            (self.env._("Customer"), self.partner_id.display_name),
            (self.env._("Contact"), self.partner_id.email or self.partner_id.phone),
            (self.env._("Tariff plan"), service.tariff_id.display_name),
            (self.env._("State"), label(service, "state")),
            (self.env._("Quantity"), operation._number(service.quantity)),
            (self.env._("Start"), service.date_start and format_date(self.env, service.date_start)),
            (self.env._("End"), service.date_end and format_date(self.env, service.date_end)),
        ]
        rows += [
            (row.get("string") or row["name"], operation._parameter_text(row))
            for row in service.read(["parameters"])[0]["parameters"]
            if row["type"] != "separator"
        ]
        rows += [
            (line.product_id.name, operation._number(line.quantity))
            for line in service.addon_line_ids
        ]
        rows += [
            (label(identifier, "kind"), identifier.value)
            for identifier in service.identifier_ids
            if not identifier.date_to
        ]
        return self._list([f"{label}: {value}" for label, value in rows if value])

    def _list(self, lines) -> Markup:
        items = Markup().join(Markup("<li>%s</li>") % line for line in lines)
        return Markup("<ul>%s</ul>") % items
