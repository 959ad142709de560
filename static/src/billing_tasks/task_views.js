import { onPatched, onWillStart, useState } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { formView } from "@web/views/form/form_view";
import { FormController } from "@web/views/form/form_controller";
import { listView } from "@web/views/list/list_view";
import { ListController } from "@web/views/list/list_controller";
import { RelationalModel } from "@web/model/relational_model/relational_model";
import { makeReload, useRefresh } from "./refresh_hook";
import { TaskHealth } from "./task_health";

const REFRESH_SECONDS = 3;
const MOVING = ["pending", "running", "error"];

export class TaskListController extends ListController {
    static template = "billing_operations.TaskListView";
    static components = { ...ListController.components, TaskHealth };

    setup() {
        super.setup();
        this.health = useState({ values: null });
        this.reload = makeReload(this.model);
        onWillStart(() => this.loadHealth());
        this.replaced = null;
        onPatched(() => this.keepSelection());
        useRefresh(() => this.refresh(), REFRESH_SECONDS);
    }

    async loadHealth() {
        this.health.values = await this.orm.silent.call("billing.task", "get_health", []);
    }

    /** Load again while tasks are on the move, but never under the hands of a user who selects. */
    async refresh() {
        const before = JSON.stringify(this.health.values);
        await this.loadHealth();
        const { running, changing } = this.health.values;
        const moved = before !== JSON.stringify(this.health.values);
        if ((running || changing || moved) && !this.model.root.selection.length) {
            this.replaced = this.model.root;
            await this.reload();
        }
    }

    /**
     * What the user selected before the rows were drawn anew, however late, is selected in the
     * new ones, too.
     */
    keepSelection() {
        const { root } = this.model;
        if (!this.replaced || this.replaced === root) {
            return;
        }
        const chosen = new Set(this.replaced.selection.map((record) => record.resId));
        this.replaced = null;
        for (const record of root.records) {
            if (chosen.has(record.resId) && !record.selected) {
                record.toggleSelection(true);
            }
        }
    }
}

/**
 * What the web client remembers of an earlier visit is out of date for tasks, and the server's
 * answer, when it comes, would put down what a user has selected meanwhile.
 */
export class TaskListModel extends RelationalModel {
    static withCache = false;
}

registry.category("views").add("billing_task_list", {
    ...listView,
    Model: TaskListModel,
    Controller: TaskListController,
});

export class TaskFormController extends FormController {
    setup() {
        super.setup();
        const reload = makeReload(this.model);
        useRefresh(async () => {
            if (MOVING.includes(this.model.root.data.state)) {
                await reload();
            }
        }, REFRESH_SECONDS);
    }
}

registry.category("views").add("billing_task_form", {
    ...formView,
    Controller: TaskFormController,
});
