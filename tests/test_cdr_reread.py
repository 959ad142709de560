"""Once a format was corrected, the lines that could not be read are read again, and no others."""

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .cdr_common import HEAD, CdrCase, call_line

ODD = "05/01/2026 10:00:00,+442079460001,+4930901820,60,0.10,odd{}\n"


@tagged("post_install", "-at_install")
class TestCdrReread(CdrCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        group = "billing_operations.group_billing_%s"
        cls.user = cls.make_user("reread_user", group % "user")
        cls.manager = cls.make_user("reread_manager", group % "manager")
        cls.carrier.format_id = cls.carrier.format_id.copy()

    def odd_file(self):
        lines = [call_line(1), ODD.format(1), call_line(2), ODD.format(2), "no call,at all\n"]
        return self.receive(HEAD + "".join(lines))

    def cause(self, file):
        return self.env["billing.error"].search([("file_id", "=", file.id)])

    def correct(self):
        self.carrier.format_id.date_format = "%d/%m/%Y %H:%M:%S"

    def test_only_the_lines_that_could_not_be_read_are_read_again(self):
        file = self.odd_file()
        self.assertEqual((file.record_count, file.error_count), (2, 3))
        cause = self.cause(file)
        self.assertEqual((cause.code, cause.record_count), ("malformed", 3))
        self.assertEqual((cause.first_line, cause.last_line), (3, 6))
        before = self.records_of(file)
        self.correct()
        cause.with_user(self.manager).action_reprocess()
        self.work()
        # The lines that were read before would not be read with the format of today.
        self.assertEqual((file.state, file.record_count, file.error_count), ("processed", 4, 1))
        self.assertLessEqual(before, self.records_of(file))
        self.assertEqual(self.records_of(file).mapped("line_number"), [2, 3, 4, 5])
        self.assertEqual(file.line_ids.mapped("line_number"), [6])
        self.assertEqual((cause.state, cause.record_count, cause.first_line), ("open", 1, 6))
        self.assertEqual((file.line_count, file.duplicate_count), (6, 0))

    def test_nothing_is_left_when_every_line_is_good(self):
        file = self.receive(HEAD + call_line(1) + ODD.format(1))
        self.correct()
        file.with_user(self.manager).action_reread()
        self.work()
        self.assertEqual((file.record_count, file.error_count), (2, 0))
        self.assertEqual(self.cause(file).state, "resolved")
        with self.assertRaises(UserError):
            file.with_user(self.manager).action_reread()

    def test_a_second_time_brings_nothing_twice(self):
        file = self.odd_file()
        for _time in range(2):
            self.correct()
            file.action_reread()
            self.work()
        self.assertEqual((file.record_count, file.error_count), (4, 1))

    def test_a_format_that_does_not_fit_at_all_leaves_everything_as_it_was(self):
        file = self.odd_file()
        self.carrier.format_id.column_ids.filtered(lambda c: c.target == "date").source = "when"
        file.action_reread()
        self.work()
        task = self.env["billing.task"].search(
            [("res_model", "=", "cdr.file"), ("type_id.code", "=", "cdr_rate")]
        )
        self.assertIn("when", task.error_message)
        self.assertEqual((file.state, file.record_count, file.error_count), ("processed", 2, 3))
        self.assertEqual(len(file.line_ids), 3)

    def test_accepted_lines_stay_accepted_with_their_reason(self):
        file = self.odd_file()
        cause = self.cause(file)
        with self.assertRaises(AccessError):
            cause.with_user(self.user).action_accept()
        dialog = self.env["billing.error.accept"].with_user(self.manager)
        dialog.create({"error_ids": cause.ids, "reason": "carrier", "note": "Sent as test"})
        dialog.search([]).action_apply()
        file.action_process()
        self.work()
        self.assertEqual(self.cause(file), cause)
        self.assertEqual((cause.state, cause.accept_note), ("accepted", "Sent as test"))

    def test_lines_of_fixed_fees_are_read_again_as_well(self):
        form = self.env.ref("billing_operations.cdr_format_generic_fixed_fee").copy()
        self.carrier.fixed_fee_format_id = form
        head = "number,description,cost,from,to\n"
        good, odd = "020 7946 0009,Line,5.00,,\n", '020 7946 0008,Line,"6,00",,\n'
        file = self.receive(head + good + odd, "fees.csv", kind="fixed_fee")
        self.assertEqual((file.record_count, file.error_count), (1, 1))
        form.decimal_mark = ","
        file.action_reread()
        self.work()
        self.assertEqual((file.record_count, file.error_count, file.total_cost), (2, 0, 11))

    def test_who_may(self):
        file = self.odd_file()
        with self.assertRaises(AccessError):
            file.with_user(self.user).action_reread()
