import { Component, onWillStart, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { kanbanView } from "@web/views/kanban/kanban_view";
import { KanbanController } from "@web/views/kanban/kanban_controller";
import { listView } from "@web/views/list/list_view";
import { ListController } from "@web/views/list/list_controller";
import { useRefresh } from "../billing_tasks/refresh_hook";

const REFRESH_SECONDS = 15;

/** A warning that CDR files wait for a person, by state; every count opens its files. */
export class CdrBanner extends Component {
    static template = "billing_operations.CdrBanner";
    static props = {};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({ items: [] });
        onWillStart(() => this.load());
        useRefresh(() => this.load(), REFRESH_SECONDS);
    }

    async load() {
        this.state.items = await this.orm.silent.call("cdr.file", "get_attention", []);
    }

    open(item) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            name: _t("CDR Files: %s", item.label),
            res_model: "cdr.file",
            views: [
                [false, "list"],
                [false, "form"],
            ],
            domain: item.domain,
        });
    }
}

export class CdrBannerListController extends ListController {
    static template = "billing_operations.CdrBannerListView";
    static components = { ...ListController.components, CdrBanner };
}

export class CdrBannerKanbanController extends KanbanController {
    static template = "billing_operations.CdrBannerKanbanView";
    static components = { ...KanbanController.components, CdrBanner };
}

registry.category("views").add("billing_cdr_banner_list", {
    ...listView,
    Controller: CdrBannerListController,
});
registry.category("views").add("billing_cdr_banner_kanban", {
    ...kanbanView,
    Controller: CdrBannerKanbanController,
});
