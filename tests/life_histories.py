"""Lives whose outcome a person has worked out: (name, billing terms, steps, cents each customer owes).

Billing terms by number: 0 ten days in advance, 1 ten in arrears, 2 thirty in advance, 3 thirty in
arrears, 4 a month in advance. A day of tariff A costs 1.10, of B 1.90; a disk beyond the first 0.14
a day with A, any disk 0.38 with B; setting up costs 5.00 with A. Several right amounts stand in a tuple.
"""

from .life import step

FULL = 500 + 3300  # thirty days of tariff A, set up

HISTORIES = [
    (
        "periods_are_billed_once_each",
        2,
        [step("activate", 0), step("bill", 0), step("bill", 3), step("bill", 30), step("end", 60)],
        [FULL + 3300],
    ),
    (
        "suspended_days_cost_nothing_where_they_were_not_billed_ahead",
        1,
        [step("activate", 0), step("suspend", 5), step("resume", 8), step("agree_end", 20)],
        [500 + 17 * 110],
    ),
    (
        "suspended_days_billed_ahead_are_kept",
        2,
        [
            step("activate", 0),
            step("bill", 0),
            step("suspend", 5),
            step("resume", 15),
            step("agree_end", 30),
        ],
        [FULL],
    ),
    (
        "days_billed_ahead_and_then_suspended_are_not_rated_again_as_if_they_were_served",
        2,
        [
            step("activate", 0),
            step("bill", 0),
            step("suspend", 5),
            step("resume", 15),
            step("undo", 16, run=0, outcome="void"),
            step("agree_end", 30),
        ],
        [FULL],
    ),
    (
        "what_was_credited_by_hand_is_not_given_back_again",
        2,
        [step("activate", 0), step("bill", 0), step("credit", 4), step("end", 15)],
        [0],
    ),
    (
        "what_was_cancelled_by_hand_is_not_given_back_again",
        2,
        [step("activate", 0), step("bill", 0), step("cancel", 4), step("end", 15)],
        [0],
    ),
    (
        "what_was_cancelled_and_restored_by_hand_is_owed",
        2,
        [
            step("activate", 0),
            step("bill", 0),
            step("cancel", 4),
            step("restore", 5),
            step("agree_end", 30),
        ],
        [FULL],
    ),
    (
        "a_document_put_in_place_of_another_stands_in_for_it_when_the_run_is_undone",
        2,
        [
            step("activate", 0),
            step("bill", 0),
            step("bill", 30),
            step("replace", 31, percent=80),
            step("agree_end", 60),
            step("undo", 32, run=1),
        ],
        [(FULL + 2640, FULL + 3300)],
    ),
    (
        "the_set_up_costs_what_it_cost_at_activation",
        2,
        [
            step("activate", 0),
            step("agree_end", 30),
            step("change", 10, plan=1),
            step("bill", 31),
        ],
        [500 + 10 * 110 + 20 * 190],
    ),
    (
        "a_resume_before_a_change_made_in_the_suspension_bills_each_day_at_its_terms",
        3,
        [
            step("activate", 0),
            step("suspend", 0),
            step("change", 15, price=6600),
            step("resume", 10),
            step("agree_end", 30),
            step("bill", 29),
        ],
        [500 + 5 * 110 + 15 * 220],
    ),
    (
        "what_was_netted_to_zero_is_settled_and_taken_back_from_there",
        2,
        [
            step("activate", 0),
            step("bill", 0),
            step("change", 15, price=1500),
            step("activate", 15, price=400),
            step("agree_end", 45, service=1),
            step("bill", 15),
            step("end", 20),
        ],
        [500 + 15 * 110 + 5 * 50 + 900],
    ),
    (
        "a_charge_netted_by_a_credit_to_zero_can_be_credited_later",
        2,
        [
            step("activate", 0),
            step("bill", 0),
            step("end", 20),
            step("activate", 30, price=600),
            step("bill", 30),
            step("end", 40, service=1),
        ],
        [500 + 20 * 110 + 500 + 10 * 20],
    ),
    (
        "a_second_change_takes_back_what_the_first_one_charged_though_that_was_netted_to_zero",
        2,
        [
            step("activate", 0),
            step("bill", 0),
            step("agree_end", 30),
            step("change", 15, price=1500),
            step("activate", 15, price=400),
            step("agree_end", 45, service=1),
            step("bill", 15),
            step("change", 20, price=2400),
        ],
        [500 + 15 * 110 + 5 * 50 + 10 * 80 + 900],
    ),
    (
        "days_are_given_back_to_whom_they_were_charged_and_the_new_owner_owes_from_the_change_on",
        2,
        [
            step("activate", 0),
            step("bill", 0),
            step("change", 10, owner=1),
            step("end", 20),
            step("bill", 30),
        ],
        [500 + 10 * 110, 10 * 110],
    ),
    (
        "what_an_undo_drops_takes_its_credits_along",
        2,
        [
            step("activate", 0),
            step("bill", 0),
            step("agree_end", 30),
            step("change", 15, price=1500),
            step("undo", 16, run=0, outcome="drop"),
            step("bill", 16),
        ],
        [15 * 50],
    ),
    (
        "a_waived_charge_takes_its_credit_along",
        2,
        [step("activate", 0), step("rate", 0), step("end", 15), step("waive", 16, charge=5)],
        [500],
    ),
    (
        "goodwill_and_an_end_never_give_back_more_than_was_billed",
        2,
        [
            step("activate", 0),
            step("bill", 0),
            step("bill", 30),
            step("adjust", 31, cents=-1000),
            step("end", 30),
        ],
        [FULL],
    ),
    (
        "an_end_gives_back_no_more_than_was_left_by_a_credit_by_hand",
        2,
        [
            step("activate", 0),
            step("bill", 0),
            step("bill", 30),
            step("credit_partly", 31, percent=50),
            step("end", 40),
        ],
        [FULL],
    ),
    (
        "what_a_credit_note_credited_by_hand_gave_back_is_given_by_the_next_run",
        2,
        [
            step("activate", 0),
            step("bill", 0),
            step("agree_end", 30),
            step("change", 15, price=1500),
            step("bill", 15),
            step("credit", 16, document=1),
        ],
        [2900],
    ),
    (
        "a_change_keeps_an_archived_add_on",
        2,
        [
            step("activate", 0, disks=8),
            step("archive", 0, what="addon"),
            step("bill", 29),
            step("agree_end", 60),
            step("change", 30, quantity=2),
            step("bill", 31),
        ],
        [FULL + 30 * 98 + 6600 + 30 * 98],
    ),
    (
        "a_service_with_an_archived_add_on_ends_and_is_credited",
        2,
        [
            step("activate", 0, disks=8),
            step("bill", 0),
            step("archive", 0, what="addon"),
            step("end", 15),
        ],
        [500 + 15 * (110 + 98)],
    ),
    (
        "periods_voided_are_rated_again",
        2,
        [
            step("activate", 0),
            step("agree_end", 30),
            step("bill", 0),
            step("undo", 1, run=0, outcome="void"),
        ],
        [FULL],
    ),
    (
        "charges_reopened_are_billed_again",
        2,
        [
            step("activate", 0),
            step("agree_end", 30),
            step("bill", 0),
            step("undo", 1, run=0),
            step("bill", 2),
        ],
        [FULL],
    ),
    (
        "charges_dropped_are_never_billed",
        2,
        [
            step("activate", 0),
            step("agree_end", 30),
            step("bill", 0),
            step("undo", 1, run=0, outcome="drop"),
        ],
        [0],
    ),
    (
        "merged_customers_owe_what_both_owed",
        2,
        [
            step("activate", 0),
            step("bill", 0),
            step("end", 30),
            step("activate", 31, owner=1),
            step("merge", 32, gone=1, stays=0),
            step("agree_end", 61, service=1),
        ],
        [2 * FULL, 0],
    ),
    (
        "an_archived_tag_still_says_whom_the_cycle_bills",
        2,
        [
            step("activate", 0),
            step("agree_end", 30),
            step("archive", 0, what="tag"),
            step("bill", 0),
        ],
        [FULL],
    ),
    (
        "an_archived_customer_is_billed_once_unarchived",
        2,
        [
            step("activate", 0),
            step("agree_end", 30),
            step("archive", 0, what="customer"),
            step("bill", 0),
        ],
        [FULL],
    ),
    (
        "a_month_in_parts_costs_the_month",
        4,
        [
            step("activate", 0),
            step("bill", 0),
            step("change", 11, quantity=2),
            step("change", 17, quantity=1),
            step("agree_end", 31),
        ],
        # Of 31 days 11 at 33.07 a month, 6 at 66.14, 14 at 33.07; each part is rounded at its ends.
        [500 + 1173 + (3627 - 2347) + (3307 - 1814)],
    ),
]
