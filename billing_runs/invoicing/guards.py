"""Which methods of Odoo the builder relies on, and which of them other addons change."""

# Methods of Odoo whose outcome is worked out beforehand, or that the prepared way does without. What
# an addon makes of them is found out by proofs; the tests notice what another Odoo does.
PREPARED_METHODS = {
    "account.move": """
        create _sync_dynamic_lines _get_sync_stack _sync_dynamic_line _sync_invoice
        _sync_dynamic_line_needed_values _sync_tax_lines _sync_rounding_lines _sync_non_deductible_base_lines
        _sync_unbalanced_lines _recompute_cash_rounding_lines _get_rounded_base_and_tax_lines
        _prepare_product_base_line_for_taxes_computation _get_product_base_line_currency_rate
        _get_discount_allocation_account _get_accounting_date_source
        _get_invoice_currency_rate_date _get_expected_currency_rate_at
        _compute_expected_currency_rate _compute_needed_terms _compute_direction_sign
        _compute_is_storno _compute_bank_partner_id _inverse_partner_id _inverse_company_id
        _inverse_currency_id _inverse_journal_id _inverse_invoice_payment_term_id
        _inverse_payment_reference _inverse_name _inverse_amount_total _inverse_delivery_date
        _compute_name _compute_date _compute_auto_post_until _compute_made_sequence_gap
        _compute_split_sequence _compute_always_tax_exigible _compute_checked _compute_company_id
        _compute_journal_id _compute_delivery_date _compute_taxable_supply_date
        _compute_invoice_date_due _compute_invoice_payment_term_id _compute_commercial_partner_id
        _compute_partner_shipping_id _compute_fiscal_position_id _compute_payment_reference
        _compute_preferred_payment_method_line_id _compute_currency_id
        _compute_invoice_currency_rate _compute_amount _compute_payment_state
        _compute_invoice_partner_display_info _compute_invoice_default_sale_person
        _compute_incoterm _compute_incoterm_location
    """,
    "account.move.line": """
        create _sync_invoice _prepare_create_values _sanitize_vals _get_computed_taxes
        _related_analytic_distribution _get_analytic_distribution_arguments _inverse_partner_id
        _inverse_product_id _inverse_account_id _inverse_amount_currency _inverse_debit
        _inverse_credit _inverse_analytic_distribution _inverse_no_followup _compute_display_type
        _compute_partner_id _compute_currency_id _compute_name _compute_account_id
        _compute_is_storno _compute_balance _compute_debit_credit _compute_currency_rate
        _compute_amount_currency _compute_amount_residual _compute_product_uom_id
        _compute_quantity _compute_sequence _compute_totals _compute_price_unit _compute_tax_ids
        _compute_discount_allocation_needed _compute_epd_needed _compute_analytic_distribution
        _compute_no_followup _compute_term_key _compute_is_refund
    """,
    "account.tax": """
        _prepare_base_line_for_taxes_computation _prepare_base_line_grouping_key
        _prepare_base_line_tax_repartition_grouping_key _add_tax_details_in_base_line
        _round_base_lines_tax_details _add_accounting_data_to_base_line_tax_details
        _prepare_tax_lines
    """,
    "account.fiscal.position": "_get_fiscal_position",
}
# What decides on the amounts of taxes, worked out by patterns of documents.
TAX_ARITHMETIC = {
    "account.tax": """
        _add_tax_details_in_base_line _add_tax_details_in_base_lines _get_tax_details
        _eval_tax_amount_price_excluded _batch_for_taxes_computation _flatten_taxes_and_sort_them
        _propagate_extra_taxes_base _round_base_lines_tax_details _round_tax_details_tax_amounts
        _round_tax_details_base_lines _round_tax_details_tax_amounts_from_tax_lines
        _aggregate_base_line_tax_details _aggregate_base_lines_tax_details
        _aggregate_base_lines_aggregated_values _distribute_delta_amount_smoothly
        _normalize_target_factors _add_accounting_data_to_base_line_tax_details
        _add_accounting_data_in_base_lines_tax_details _prepare_tax_lines
    """,
    "res.currency": "round is_zero",
}
# What says when how much of a document is due.
TERMS = {
    "account.payment.term": "_compute_terms",
    "account.payment.term.line": "_get_due_date",
}
# What makes of a price on a product's own taxes one on other taxes.
PRICE_ON_TAXES = {
    "product.product": "_get_tax_included_unit_price _get_tax_included_unit_price_from_price",
    "account.tax": "_adapt_price_unit_to_another_taxes",
}
# What decides on the number of an invoice.
NUMBERING = {
    "account.move": """
        _compute_name _set_next_sequence _get_next_sequence_format _locked_increment
        _get_last_sequence _get_last_sequence_domain _get_starting_sequence
        _get_sequence_date_range _get_sequence_format_param _deduce_sequence_number_reset
        _sequence_matches_date _get_sequence_cache
    """,
}
# What happens while posting, around the one write that posts.
POSTING = {"account.move": "action_post _post write", "account.move.line": "write"}

STANDARD = ("account", "analytic", "base", "mail", "billing_operations")

# Changes that were read and leave invoices of the builder as they are.
HARMLESS = {
    ("sale", "account.move.line", "_compute_is_storno"),  # storno goes the plain way anyway
    ("sale", "account.move.line", "_related_analytic_distribution"),  # of sale order lines
    ("stock_account", "account.move.line", "_compute_account_id"),  # of purchases
    ("stock_account", "account.move.line", "_inverse_product_id"),
    ("purchase", "account.move", "create"),  # of purchase orders
    ("purchase", "account.move", "write"),
    ("sale", "account.move", "_post"),  # of payments made on sale orders
    ("sale", "account.move", "action_post"),
    ("sale_timesheet", "account.move", "action_post"),  # timesheets of sale orders
    ("sale_stock", "account.move", "_compute_delivery_date"),  # of sale orders
    ("sale_stock", "account.move", "_compute_incoterm_location"),
    # of sale orders, and of a project in the context
    ("sale_project", "account.move.line", "_compute_analytic_distribution"),
    # of debit notes, which the builder does not make
    ("account_debit_note", "account.move", "_get_last_sequence_domain"),
    ("account_debit_note", "account.move", "_get_starting_sequence"),
}


def changed_methods(env, methods_by_model: dict[str, str]) -> list[tuple[str, str, str]]:
    """Return ``[(addon, model, method)]`` of the given methods that an addon changes.

    :param methods_by_model: such as :data:`PREPARED_METHODS`
    """
    changed = []
    for model_name, methods in methods_by_model.items():
        for cls in type(env[model_name]).mro():
            addon = getattr(cls, "_module", None)
            if addon and addon not in STANDARD:
                changed += [
                    (addon, model_name, name) for name in methods.split() if name in vars(cls)
                ]
    return [change for change in changed if change not in HARMLESS]


def shares_numbers(env) -> bool:
    """Return whether the numbers of a posting may be asked for once instead of per invoice."""
    return not changed_methods(env, NUMBERING)


def needs_no_sync(env, moves) -> bool:
    """Return whether nothing while posting ``moves`` can change their taxes and payment terms."""
    return not changed_methods(env, POSTING) and all(
        move.invoice_date and not move.reversed_entry_id for move in moves
    )
