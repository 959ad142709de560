import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

/** Shows a JSON value indented, with plain lists on one line, as people read it. */
export class FormattedJsonField extends Component {
    static template = "billing_operations.FormattedJsonField";
    static props = { ...standardFieldProps };

    get text() {
        const value = this.props.record.data[this.props.name];
        if (!value) {
            return "";
        }
        return JSON.stringify(value, null, 2).replace(
            /\[\s+([^[\]{}]*?)\s+\]/g,
            (_match, items) => `[${items.replace(/\s*\n\s*/g, " ")}]`
        );
    }
}

registry.category("fields").add("billing_formatted_json", {
    component: FormattedJsonField,
    displayName: _t("Formatted JSON"),
    supportedTypes: ["json"],
});
