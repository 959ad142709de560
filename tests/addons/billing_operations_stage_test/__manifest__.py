{
    "name": "Billing Operations: a stage, a step, a source and an annex for tests",
    "version": "19.0.1.0.0",
    "category": "Hidden/Tests",
    "summary": "Shows how runs are extended without an edit in them; installed by tests only",
    "author": "Billing Operations contributors",
    "license": "LGPL-3",
    "depends": ["billing_operations"],
    "data": ["security/ir.model.access.csv", "data/billing_task_types.xml"],
    "installable": True,
}
