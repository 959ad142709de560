import { Component, onWillStart, useState } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { Layout } from "@web/search/layout";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { useRefresh } from "../billing_tasks/refresh_hook";
import { useScrollableTables } from "../billing_tasks/scrollable_tables_hook";

const REFRESH_SECONDS = 60;

/**
 * The start page: drawn from one JSON of the server, which counts with the user's own rights.
 * Every figure opens what it counts.
 */
export class BillingStartPage extends Component {
    static template = "billing_operations.StartPage";
    static components = { Layout };
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.display = { controlPanel: {} };
        this.state = useState({ page: { entries: [], welcome: false } });
        onWillStart(() => this.load(this.orm));
        useRefresh(() => this.load(this.orm.silent), REFRESH_SECONDS);
        useScrollableTables("root");
    }

    async load(orm) {
        this.state.page = await orm.call("billing.start", "get_start_page", []);
    }

    look(cell) {
        // On the button itself such a colour would show while the mouse is over it only.
        return cell.tone ? `fw-bold text-${cell.tone}-emphasis` : "";
    }

    open(action) {
        return this.action.doAction(action);
    }
}

registry.category("actions").add("billing_start", BillingStartPage);
