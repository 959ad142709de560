import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";

/** One line that says how the queue is; every number opens what it counts. */
export class TaskHealth extends Component {
    static template = "billing_operations.TaskHealth";
    static props = { health: Object };

    setup() {
        this.action = useService("action");
    }

    get items() {
        const health = this.props.health;
        return [
            { name: "running", count: health.running, label: _t("running"), icon: "fa-cog" },
            { name: "waiting", count: health.waiting, label: _t("waiting"), icon: "fa-clock-o" },
            {
                name: "error",
                count: health.error,
                label: _t("in error, will be retried"),
                icon: "fa-repeat",
                look: "text-warning-emphasis",
            },
            {
                name: "failed",
                count: health.failed,
                label: _t("failed"),
                icon: "fa-times-circle",
                look: "text-danger",
            },
            {
                name: "dead",
                count: health.dead,
                label: _t("running without a living worker"),
                icon: "fa-heartbeat",
                look: "text-danger",
            },
        ].filter((item) => item.count || item.name === "running" || item.name === "waiting");
    }

    get dueItem() {
        return { name: "due", label: _t("due") };
    }

    get oldestDue() {
        const seconds = this.props.health.oldest_due_seconds;
        if (seconds < 60) {
            return _t("%s s", Math.round(seconds));
        }
        if (seconds < 7200) {
            return _t("%s min", Math.round(seconds / 60));
        }
        return _t("%s h", Math.round(seconds / 3600));
    }

    open(item) {
        this.action.doAction({
            type: "ir.actions.act_window",
            name: _t("Billing Tasks: %s", item.label),
            res_model: "billing.task",
            views: [
                [false, "list"],
                [false, "form"],
            ],
            domain: this.props.health.domains[item.name],
        });
    }
}
