import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { BadgeField, badgeField } from "@web/views/fields/badge/badge_field";

/** Each state has a colour, an icon and its name, so that no two look alike to anybody. */
const LOOKS = {
    pending: { icon: "fa-clock-o", badge: "text-bg-secondary" },
    running: { icon: "fa-cog fa-spin", badge: "text-bg-info" },
    completed: { icon: "fa-check", badge: "text-bg-success" },
    error: { icon: "fa-repeat", badge: "text-bg-warning" },
    failed: { icon: "fa-times-circle", badge: "text-bg-danger" },
    skipped: { icon: "fa-step-forward", badge: "border text-body-secondary fst-italic" },
};

export class TaskStateField extends BadgeField {
    static template = "billing_operations.TaskStateField";

    get look() {
        return LOOKS[this.props.record.data[this.props.name]];
    }
}

registry.category("fields").add("billing_task_state", {
    ...badgeField,
    component: TaskStateField,
    displayName: _t("Billing task status"),
    supportedTypes: ["selection"],
});
