{
    "name": "Billing Operations: work for tests",
    "version": "19.0.1.0.0",
    "category": "Hidden/Tests",
    "summary": "Task types whose effect can be counted; installed by tests on throw-away databases",
    "author": "Billing Operations contributors",
    "license": "LGPL-3",
    "depends": ["billing_operations"],
    "data": ["data/billing_task_types.xml", "security/ir.model.access.csv"],
    "installable": True,
}
