{
    "name": "Billing Operations: a processing module for tests",
    "version": "19.0.1.0.0",
    "category": "Hidden/Tests",
    "summary": "Shows how a processing module of another kind is added; installed by tests only",
    "author": "Billing Operations contributors",
    "license": "LGPL-3",
    "depends": ["billing_operations"],
    "installable": True,
}
