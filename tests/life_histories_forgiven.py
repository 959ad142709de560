"""Lives in which days are forgiven and taken away, in either order, and served after all.

Written as those in ``life_histories``.
"""

from .life import step

FORGIVEN = [
    (
        "days_taken_back_and_then_forgiven_are_owed_when_they_are_served_after_all",
        0,
        [
            step("activate", 0),
            step("bill", 0),
            step("agree_end", 0),
            step("undo", 5, run=0, outcome="drop"),
            step("agree_end", 14),
        ],
        [14 * 110],
    ),
    (
        "days_taken_back_forgiven_and_served_after_all_are_owed_once_when_the_document_comes_back",
        0,
        [
            step("activate", 0),
            step("bill", 0),
            step("agree_end", 0),
            step("cancel", 5),
            step("agree_end", 14),
            step("restore", 15),
        ],
        [500 + 14 * 110],
    ),
    (
        "dropping_a_run_forgives_nothing_of_what_a_change_charged_instead",
        2,
        [
            step("activate", 0),
            step("bill", 0),
            step("agree_end", 30),
            step("change", 10, quantity=2),
            step("undo", 11, run=0, outcome="drop"),
            step("change", 10, quantity=1),
        ],
        [20 * 110],
    ),
    (
        "forgiven_days_are_free_though_fewer_of_them_are_served_after_all",
        2,
        [
            step("activate", 0),
            step("bill", 0),
            step("undo", 1, run=0, outcome="drop"),
            step("agree_end", 20),
            step("agree_end", 25),
            step("agree_end", 27),
        ],
        [0],
    ),
    (
        "forgiven_days_of_which_fewer_are_served_are_owed_when_the_document_comes_back",
        4,
        [
            step("activate", 0),
            step("bill", 0),
            step("cancel", 1),
            step("agree_end", 20),
            step("agree_end", 27),
            step("restore", 28),
        ],
        # 27 of 31 days at 33.07 a month
        [500 + 2880],
    ),
    (
        "of_days_taken_back_before_and_after_they_were_forgiven_each_is_what_it_was",
        2,
        [
            step("activate", 0),
            step("bill", 0),
            step("agree_end", 20),
            step("undo", 1, run=0, outcome="drop"),
            step("agree_end", 10),
            step("agree_end", 30),
        ],
        [10 * 110],
    ),
    (
        "days_taken_back_before_and_after_a_cancellation_are_not_owed_when_the_document_comes_back",
        2,
        [
            step("activate", 0),
            step("bill", 0),
            step("agree_end", 20),
            step("cancel", 1),
            step("agree_end", 10),
            step("restore", 11),
        ],
        [500 + 10 * 110],
    ),
    (
        "forgiven_days_are_free_again_after_a_change_to_and_fro",
        2,
        [
            step("activate", 0),
            step("bill", 0),
            step("undo", 1, run=0, outcome="drop"),
            step("agree_end", 30),
            step("change", 10, quantity=2),
            step("change", 15, quantity=1),
        ],
        [5 * 220],
    ),
    (
        "each_day_is_owed_once_when_a_document_comes_back_after_a_change_to_and_fro",
        2,
        [
            step("activate", 0),
            step("bill", 0),
            step("cancel", 1),
            step("agree_end", 30),
            step("change", 10, quantity=2),
            step("change", 15, quantity=1),
            step("restore", 16),
        ],
        [500 + 10 * 110 + 5 * 220 + 15 * 110],
    ),
    (
        "an_end_after_a_change_to_and_fro_and_back_takes_each_day_back_once",
        2,
        [
            step("activate", 0),
            step("bill", 0),
            step("cancel", 1),
            step("agree_end", 30),
            step("change", 10, quantity=2),
            step("change", 15, quantity=1),
            step("restore", 16),
            step("agree_end", 12),
        ],
        [500 + 10 * 110 + 2 * 220],
    ),
    (
        "goodwill_counts_for_what_is_owed_of_its_day_after_a_change_to_and_fro",
        2,
        [
            step("activate", 0),
            step("bill", 0),
            step("cancel", 1),
            step("agree_end", 30),
            step("change", 10, quantity=2),
            step("change", 15, quantity=1),
            step("adjust", 12, cents=-1500),
            step("bill", 12),
            step("restore", 16),
            step("agree_end", 11),
        ],
        # Of the one day left at the new terms nothing can be owed: 15.00 were given for it.
        [500 + 10 * 110],
    ),
    (
        "a_change_of_disks_leaves_forgiven_days_beside_charged_ones_as_they_are",
        2,
        [
            step("activate", 0, disks=3),
            step("rate", 0),
            step("agree_end", 20),
            step("waive", 0, charge=5),
            step("agree_end", 30),
            step("change", 10, disks=0),
        ],
        [500 + 10 * 110 + 10 * 28],
    ),
]
