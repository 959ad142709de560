{
    "name": "Billing Operations",
    "version": "19.0.1.0.0",
    "category": "Accounting/Billing",
    "summary": "Bill many customers in batches, see the background work, "
    "route the work only people can do",
    "author": "Billing Operations contributors",
    "license": "LGPL-3",
    "depends": ["account", "account_payment", "hr", "mail", "portal"],
    "data": [
        "security/billing_groups.xml",
        "data/billing_menus.xml",
        # billing_tasks
        "security/billing_tasks_rules.xml",
        "billing_tasks/data/billing_task_crons.xml",
        "billing_tasks/views/billing_task_views.xml",
        "billing_tasks/views/billing_task_type_views.xml",
        "billing_tasks/views/res_config_settings_views.xml",
        # services
        "data/services_sequences.xml",
        "data/services_cron.xml",
        # billing_runs
        "security/billing_runs_rules.xml",
        "data/billing_runs_data.xml",
        "billing_runs/views/billing_run_views.xml",
        "billing_runs/views/billing_cycle_views.xml",
        "billing_runs/views/billing_bill_views.xml",
        "billing_runs/views/account_move_views.xml",
        "billing_runs/views/report_invoice.xml",
        "billing_runs/views/res_config_settings_views.xml",
        "billing_runs/views/res_partner_views.xml",
        "security/ir.model.access.csv",
        "security/services_rules.xml",
    ],
    "pre_init_hook": "pre_init_hook",
    "demo": [],
    "assets": {
        "web.assets_tests": ["billing_operations/static/tests/tours/**/*"],
    },
    "application": True,
    "installable": True,
}
