import {
    Component,
    onMounted,
    onPatched,
    onWillPatch,
    onWillUnmount,
    useRef,
    useState,
} from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { ConfirmationDialog } from "@web/core/confirmation_dialog/confirmation_dialog";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { deserializeDateTime, formatDateTime } from "@web/core/l10n/dates";
import { useRecordObserver } from "@web/model/relational_model/utils";
import { standardFieldProps } from "@web/views/fields/standard_field_props";
import { useScrollableTables } from "../billing_tasks/scrollable_tables_hook";

const POLL_MS = 3000;

const ICONS = {
    done: { icon: "fa-check-circle", tone: "success", label: _t("Done") },
    todo: { icon: "fa-circle-o", tone: "primary", label: _t("To do") },
    attention: { icon: "fa-exclamation-triangle", tone: "warning", label: _t("Look at this") },
    problem: { icon: "fa-times-circle", tone: "danger", label: _t("In the way") },
    waiting: { icon: "fa-ellipsis-h", tone: "body-secondary", label: _t("Later") },
};

/** The steps that can be worked on: neither done nor later. */
const NEXT = ".o_billing_step:not([data-state='done']):not([data-state='waiting'])";

/**
 * The Next Steps of a billing run: drawn from one JSON of the server, which checks every
 * button's rights and the run's state again. Redrawing never takes the focus away: where the
 * focused button is gone, the next one to press has it.
 */
export class BillingNextSteps extends Component {
    static template = "billing_operations.NextSteps";
    static props = { ...standardFieldProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.dialog = useService("dialog");
        this.root = useRef("root");
        this.state = useState({ data: null, busy: false, open: {} });
        useRecordObserver((record) => {
            this.state.data = record.data[this.props.name];
        });
        onMounted(() => {
            this.timer = setInterval(() => this.poll(), POLL_MS);
        });
        onWillUnmount(() => clearInterval(this.timer));
        onWillPatch(() => this.noteFocus());
        onPatched(() => this.keepFocus());
        useScrollableTables("root");
    }

    get data() {
        return this.state.data || { steps: [], stages: [], phase: "pre" };
    }

    // === KEYBOARD === //

    /** Remember which button has the focus: redrawing may take it away. */
    noteFocus() {
        const focused = document.activeElement;
        const step = this.root.el?.contains(focused) && focused.closest(".o_billing_step");
        this.focused = step && { step: step.dataset.step, method: focused.name };
    }

    keepFocus() {
        const root = this.root.el;
        if (!root || !this.focused || root.contains(document.activeElement)) {
            return;
        }
        const step = `.o_billing_step[data-step='${this.focused.step}'] button`;
        const target =
            root.querySelector(`${step}[name='${this.focused.method}']`) ||
            root.querySelector(`${NEXT} .btn-primary`) ||
            root.querySelector(`${NEXT} button`) ||
            root.querySelector(step) ||
            root;
        target.focus();
    }

    // === LOOK === //

    look(step) {
        return ICONS[step.state] || ICONS.todo;
    }

    /** What is done is a line; what else it shows is a click away. */
    isFoldable(step) {
        return step.state === "done";
    }

    isFolded(step) {
        return this.isFoldable(step) && !this.state.open[step.code];
    }

    toggle(step) {
        this.state.open[step.code] = !this.state.open[step.code];
    }

    isNumber(table, column) {
        return "labels" in table && column >= table.labels;
    }

    /** The call that opens what a cell counts, where there is one. */
    opener(table, row, column) {
        return table.opens?.[row]?.[column];
    }

    open(table, row, column) {
        const { method, args } = this.opener(table, row, column);
        return this.call(method, args);
    }

    percent(stage) {
        return stage.total ? Math.floor((100 * stage.done) / stage.total) : 0;
    }

    confirmedText(step) {
        const when = formatDateTime(deserializeDateTime(step.confirmed.date));
        const values = { who: step.confirmed.by, when };
        if (step.confirmed.changed) {
            return _t("Confirmed by %(who)s on %(when)s; the numbers have changed since.", values);
        }
        return step.confirmed.skipped
            ? _t("Skipped in expert mode by %(who)s on %(when)s.", values)
            : _t("Confirmed by %(who)s on %(when)s.", values);
    }

    // === WORK === //

    /** While the queue works, the numbers move by themselves. */
    async poll() {
        const record = this.props.record;
        if (!this.data.live || this.polling || !record.resId || document.hidden) {
            return;
        }
        this.polling = true;
        try {
            const data = await this.orm.silent.call("billing.run", "get_next_steps", [
                record.resId,
            ]);
            const moved = ["state", "phase", "live"].some((key) => data[key] !== this.data[key]);
            this.state.data = data;
            if (moved && !(await record.isDirty())) {
                await record.load();
            }
        } finally {
            this.polling = false;
        }
    }

    async onButton(button) {
        if (!button.confirm) {
            return this.call(button.method, button.args);
        }
        let confirmed = false;
        this.dialog.add(
            ConfirmationDialog,
            {
                body: button.confirm,
                confirmLabel: button.label,
                confirm: () => {
                    confirmed = true;
                },
                cancel: () => {},
            },
            // Closed first, so that the focus is back on the button when the panel is redrawn.
            { onClose: () => void (confirmed && this.call(button.method, button.args)) }
        );
    }

    async call(method, args = []) {
        const record = this.props.record;
        if (this.state.busy || !(await record.save())) {
            return;
        }
        this.state.busy = true;
        try {
            const result = await this.orm.call("billing.run", method, [[record.resId], ...args]);
            if (result && result.type) {
                await this.action.doAction(result, { onClose: () => record.load() });
            } else {
                await record.load();
            }
        } finally {
            this.state.busy = false;
        }
    }
}

registry.category("fields").add("billing_next_steps", {
    component: BillingNextSteps,
    supportedTypes: ["json"],
});
