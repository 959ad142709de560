"""The modules behind `tools/dev`. Standard library only; never loaded by Odoo."""
