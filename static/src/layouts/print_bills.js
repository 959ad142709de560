import { download } from "@web/core/network/download";
import { rpc } from "@web/core/network/rpc";
import { registry } from "@web/core/registry";
import { user } from "@web/core/user";
import { downloadReport, getReportUrl } from "@web/webclient/actions/reports/utils";

/**
 * Odoo's client wants wkhtmltopdf on the server before it downloads any report. Bills by the
 * billing layout come without: where there is none, the server is asked whether that is all that
 * is to be printed. Everything else stays Odoo's.
 *
 * @param {Object} action of the type ir.actions.report
 * @param {Object} options
 * @param {Object} env
 * @returns {Promise<boolean>} whether it was printed
 */
export async function printBills(action, options, env) {
    const ids = action.context?.active_ids || [];
    const hasOptions = Object.keys(action.data || {}).length > 0;
    if (action.report_type !== "qweb-pdf" || !ids.length || hasOptions) {
        return false;
    }
    downloadReport.wkhtmltopdfStatusProm ||= rpc("/report/check_wkhtmltopdf");
    if (["upgrade", "ok"].includes(await downloadReport.wkhtmltopdfStatusProm)) {
        return false;
    }
    const context = { ...user.context, ...action.context };
    const printable = await env.services.orm.call(
        "ir.actions.report",
        "prints_by_bill_layout",
        [action.report_name, ids],
        { context }
    );
    if (!printable) {
        return false;
    }
    env.services.ui.block();
    try {
        await download({
            url: "/report/download",
            data: {
                data: JSON.stringify([getReportUrl(action, "pdf"), action.report_type]),
                context: JSON.stringify(context),
            },
        });
    } finally {
        env.services.ui.unblock();
    }
    return true;
}

registry.category("ir.actions.report handlers").add("billing_bills", printBills);
