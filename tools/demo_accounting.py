"""The demo's accounting export: what the hosting company's run has billed, as files for its accountants."""


def export(env, billing_run, say):
    """Write the customers and the documents of a billing run into files."""
    company = billing_run.company_id
    run = billing_run.with_company(company).with_context(allowed_company_ids=company.ids)
    connection = run._accounting_connection()
    if not connection:
        return
    for what, action in (
        ("customers", "action_send_customers"),
        ("documents", "action_send_invoices"),
    ):
        if connection._counts(run)[what]:
            getattr(run, action)()
        env["billing.task"]._run_inline(domain=[("type_id.code", "=", "accounting_file")])
        env.invalidate_all()
    files = env["accounting.export.file"].search([("connection_id", "=", connection.id)])
    for file in files.sorted("id"):
        say(f"accounting: {file.name}, {file.item_count} records")
