"""Before a run bills usage: which files are missing or wait, what to do about them, and who said that
all is well. And where people see that files wait: on top of the lists, and on the start page."""

from datetime import date

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..cdrs.models.cdr_carrier_look import MAIL_SERVERS
from .cdr_common import HEAD, CdrCase, call_line

MONTH = date(2026, 1, 1)


class CdrStepCase(CdrCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        group = "billing_operations.group_billing_%s"
        cls.user = cls.make_user("step_user", group % "user")
        cls.manager = cls.make_user("step_manager", group % "manager")
        cls.scheme = cls.make_scheme()
        cls.make_service(cls.make_customer("Harbour Office"), cls.make_tariff(cls.scheme))
        cls.run_ = cls.make_run(cls.make_cycle(cls.scheme), date(2026, 1, 31))
        cls.run_.cutoff_date = date(2026, 1, 31)
        cls.carrier.expected_files = 1

    def step(self, code="cdrs", user=None):
        run = self.run_.with_user(user or self.manager)
        run.invalidate_recordset()
        for _confirmation in range(9):
            steps = {step["code"]: step for step in run._next_steps()["steps"]}
            if steps[code]["state"] != "waiting":
                return steps[code]
            [blocked] = [s for s in steps.values() if run._blocks(s) and s["state"] != "waiting"]
            run.action_confirm_step(blocked["code"])
        raise AssertionError(f"{code} waits all the same")

    def methods(self, step):
        return [button["method"] for button in step["buttons"]]

    def held_file(self, name="held.csv", carrier=None):
        content = (HEAD + call_line(99)).encode()
        return self.env["cdr.file"]._receive(
            carrier or self.carrier, [(name, content)], "email", hold=True
        )


@tagged("post_install", "-at_install")
class TestCdrSteps(CdrStepCase):
    def test_missing_files_keep_the_step_open_until_they_come(self):
        step = self.step()
        self.assertEqual((step["state"], step["unsettled"]), ("attention", True))
        self.assertIn("0 of 1 files", step["sentence"])
        self.assertEqual(self.methods(step), ["action_ignore_cdrs"])
        with self.assertRaises(UserError):
            self.run_.with_user(self.manager).action_confirm_step("cdrs")
        self.receive(HEAD + call_line(1) + call_line(2))
        step = self.step()
        self.assertEqual((step["state"], step["unsettled"]), ("todo", False))
        self.assertEqual(step["table"]["rows"], [[self.carrier.name, 1, 3, 0, 0, 0]])
        self.run_.with_user(self.user).action_confirm_step("cdrs")
        self.assertEqual(self.step()["state"], "done")

    def test_a_confirmation_turns_amber_when_another_file_comes(self):
        self.receive(HEAD + call_line(1))
        self.step()
        self.run_.with_user(self.user).action_confirm_step("cdrs")
        self.receive(HEAD + call_line(2), "late.csv")
        step = self.step()
        self.assertEqual((step["state"], step["confirmed"]["changed"]), ("attention", True))
        self.assertIn("action_confirm_step", self.methods(step))
        self.run_.with_user(self.user).action_confirm_step("cdrs")
        self.assertEqual(self.step()["state"], "done")

    def test_files_that_wait_are_processed_first(self):
        self.carrier.auto_import = False
        self.receive(HEAD + call_line(1))
        step = self.step()
        self.assertIn("1 file waits", step["sentence"])
        self.assertEqual(step["links"][0]["count"], 1)
        self.assertIn("action_process_cdrs", self.methods(step))
        with self.assertRaises(AccessError):
            self.run_.with_user(self.user).action_process_cdrs()
        self.run_.with_user(self.manager).action_process_cdrs()
        self.assertTrue(self.step()["live"], "it moves by itself while the file is processed")
        self.work()
        step = self.step()
        self.assertFalse(step["unsettled"])
        self.assertFalse(step["live"])
        with self.assertRaises(UserError):
            self.run_.with_user(self.manager).action_process_cdrs()

    def test_what_is_missing_is_ignored_for_a_reason_that_stays_on_the_run(self):
        held = self.held_file()
        run = self.run_.with_user(self.manager)
        dialog = self.env["billing.run.cdr.ignore"].with_user(self.manager)
        dialog = dialog.create({"run_id": run.id, "reason": "The carrier had an outage."})
        self.assertEqual(dialog.carrier_ids, self.carrier)
        self.assertIn("held.csv", dialog.summary)
        dialog.action_apply()
        note = self.run_.cdr_ignored_ids
        self.assertRecordValues(
            note,
            [
                {
                    "carrier_id": self.carrier.id,
                    "missing_count": 1,
                    "file_ids": held.ids,
                    "reason": "The carrier had an outage",
                    "user_id": self.manager.id,
                }
            ],
        )
        self.assertIn("The carrier had an outage", self.run_.message_ids[0].body)
        step = self.step()
        self.assertFalse(step["unsettled"])
        self.assertIn("ignored, The carrier had an outage", step["sentence"])
        run.action_confirm_step("cdrs")
        self.assertEqual(self.step()["state"], "done")
        self.held_file("another.csv")
        self.assertTrue(self.step()["unsettled"], "another file asks again")

    def test_ignoring_is_for_managers_and_needs_a_reason_and_something_to_ignore(self):
        run = self.run_
        with self.assertRaises(AccessError):
            run.with_user(self.user).action_ignore_cdrs()
        with self.assertRaises(AccessError):
            run.with_user(self.user)._ignore_cdrs(self.carrier, "Because")
        with self.assertRaises(AccessError):
            self.env["billing.run.cdr.ignored"].with_user(self.manager).create(
                {"run_id": run.id, "carrier_id": self.carrier.id, "reason": "x"}
            )
        with self.assertRaises(UserError):
            run.with_user(self.manager)._ignore_cdrs(self.carrier, "  ")
        self.receive(HEAD + call_line(1))
        with self.assertRaises(UserError):
            run.with_user(self.manager)._ignore_cdrs(self.carrier, "Because")
        self.assertEqual(self.methods(self.step(user=self.user)), ["action_confirm_step"])

    def test_a_user_without_the_right_is_told_who_has_it(self):
        step = self.step(user=self.user)
        self.assertEqual(self.methods(step), [])
        self.assertIn("A billing manager", step["sentence"])

    def test_servers_and_mailboxes_are_looked_at_from_the_panel(self):
        self.assertNotIn("action_fetch_cdrs", self.methods(self.step()))
        with self.assertRaises(UserError):
            self.run_.with_user(self.manager).action_fetch_cdrs()
        server = self.make_carrier(name="Server", way_in="ftp", host="ftp.example", username="x")
        step = self.step()
        self.assertIn("action_fetch_cdrs", self.methods(step))
        with self.assertRaises(AccessError):
            self.run_.with_user(self.user).action_fetch_cdrs()
        self.run_.with_user(self.manager).action_fetch_cdrs()
        task = self.env["billing.task"].search([("type_id.code", "=", "cdr_fetch")])
        self.assertEqual(task.res_id, server.id)
        self.assertTrue(self.step()["live"])

    def test_mailboxes_are_looked_at_by_odoos_own_job(self):
        self.env["fetchmail.server"].search(MAIL_SERVERS).state = "draft"
        by_mail = self.make_carrier(name="Mail", way_in="email")
        with self.assertRaises(UserError):
            by_mail.with_user(self.manager).action_fetch()
        self.env["fetchmail.server"].create({"name": "Box", "server_type": "imap", "state": "done"})
        with self.assertRaises(AccessError):
            by_mail.with_user(self.user).action_fetch()
        cron = self.env.ref("mail.ir_cron_mail_gateway_action")
        triggers = self.env["ir.cron.trigger"]
        before = triggers.search_count([("cron_id", "=", cron.id)])
        self.run_.with_user(self.manager).action_fetch_cdrs()
        self.assertEqual(triggers.search_count([("cron_id", "=", cron.id)]), before + 1)

    def test_every_figure_of_the_table_opens_what_it_counts(self):
        self.receive(HEAD + call_line(1))
        self.held_file()
        run = self.run_.with_user(self.user)
        for code in ("cdrs", "billing_errors"):
            table = run._step(code)["table"]
            for row, opens in zip(table["rows"], table["opens"], strict=True):
                self.assertFalse(opens[0])
                for figure, action in zip(row[1:], opens[1:], strict=True):
                    self.assertEqual(bool(action), figure != 0)
                    if action:
                        shown = getattr(run, action["method"])(*action["args"])
                        self.assertTrue(self.env[shown["res_model"]].search(shown["domain"]))

    def test_errors_are_confirmed_by_their_numbers_whatever_the_language(self):
        self.receive(HEAD + call_line(1))
        run = self.run_.with_user(self.user)
        self.step("billing_errors")
        run.action_confirm_step("billing_errors")
        self.assertEqual(self.step("billing_errors")["state"], "done")
        self.env["res.lang"]._activate_lang("fr_FR")
        french = run.with_context(lang="fr_FR")
        self.assertEqual(
            french._step("billing_errors")["numbers"], run._step("billing_errors")["numbers"]
        )
        self.receive(HEAD + call_line(2, caller="+442079460002"), "more.csv")
        step = self.step("billing_errors")
        self.assertEqual((step["state"], step["confirmed"]["changed"]), ("attention", True))

    def test_fixed_fee_errors_are_checked_where_fixed_fees_are_used(self):
        self.receive(HEAD + call_line(1))
        codes = [step["code"] for step in self.run_._next_steps()["steps"]]
        self.assertNotIn("fixed_fee_errors", codes)
        self.carrier.fixed_fee_format_id = self.env.ref(
            "billing_operations.cdr_format_generic_fixed_fee"
        )
        fees = "number,description,cost,from,to\n020 7946 0009,Line,5.00,2026-01-01,2026-01-31\n"
        self.receive(fees, "fees.csv", kind="fixed_fee")
        step = self.step("fixed_fee_errors")
        self.assertEqual(step["table"]["rows"][0][:3], ["Fixed fee without a service", 1, 1])
        self.assertEqual(step["confirm_label"], "Confirm Fixed Fee Errors Checked")
        table = self.step("cdrs")["table"]
        self.assertEqual(table["rows"][0][1], 1, "fixed fees are no file of calls")


@tagged("post_install", "-at_install")
class TestCdrAttention(CdrStepCase):
    def test_nothing_is_said_when_all_is_well(self):
        self.receive(HEAD + call_line(1))
        self.assertEqual(self.env["cdr.file"].with_user(self.user).get_attention(), [])

    def test_files_that_wait_are_counted_by_state_and_every_count_opens_them(self):
        self.held_file()
        self.held_file("two.csv")
        self.receive(b"", "empty.csv")
        shown = self.env["cdr.file"].with_user(self.user).get_attention()
        self.assertEqual(
            [(item["state"], item["label"], item["count"]) for item in shown],
            [("error", "Error", 1), ("held", "Held", 2)],
        )
        for item in shown:
            self.assertEqual(len(self.env["cdr.file"].search(item["domain"])), item["count"])

    def test_only_the_chosen_companies_count_and_only_for_those_who_see_files(self):
        self.held_file()
        other = self.make_company("Elsewhere")
        files = self.env["cdr.file"]
        self.assertEqual(files.with_context(allowed_company_ids=other.ids).get_attention(), [])
        clerk = self.make_user("step_clerk", None)
        self.assertEqual(files.with_user(clerk).get_attention(), [])

    def test_it_is_one_query(self):
        self.held_file()
        files = self.env["cdr.file"].with_user(self.user)
        files.get_attention()
        self.env.flush_all()
        self.env.invalidate_all()
        with self.assertQueryCount(1):
            files.get_attention()

    def test_the_start_page_counts_files_and_errors_with_their_money(self):
        self.receive(HEAD + call_line(1, cost="0.10") + call_line(2, cost="0.40"))
        self.held_file()
        page = self.env["billing.start"].with_user(self.user).get_start_page()
        entries = {entry["code"]: entry for entry in page["entries"]}
        [[label, files]] = entries["cdr_files"]["rows"]
        self.assertEqual((label, files["text"]), ("Held", "1"))
        [[label, errors, calls, cost]] = entries["billing_errors"]["rows"]
        self.assertEqual(label, "Number not known")
        self.assertEqual((errors["text"], calls["text"], cost["text"]), ("1", "2", "$\xa00.50"))
        for figure in (files, errors, calls, cost):
            action = figure["action"]
            self.assertEqual(len(self.env[action["res_model"]].search(action["domain"])), 1)

    def test_the_start_page_reads_no_calls(self):
        self.receive(HEAD + call_line(1))
        page = self.env["billing.start"].with_user(self.user)
        page.get_start_page()
        self.env.invalidate_all()
        statements = []
        execute = type(self.env.cr).execute
        self.patch(
            type(self.env.cr),
            "execute",
            lambda cr, query, *args, **kwargs: (
                statements.append(getattr(query, "code", query)),
                execute(cr, query, *args, **kwargs),
            )[1],
        )
        page.get_start_page()
        self.assertTrue(any("billing_error" in text for text in statements))
        self.assertFalse([text for text in statements if "cdr_record" in text])

    def test_a_company_without_carriers_has_no_such_entries(self):
        self.carrier.active = False
        page = self.env["billing.start"].with_user(self.user).get_start_page()
        self.assertNotIn("cdr_files", [entry["code"] for entry in page["entries"]])

    def test_files_are_ignored_for_good_in_a_dialog(self):
        self.carrier.auto_import = False
        file = self.receive(HEAD + call_line(1))
        dialog = self.env["cdr.file.ignore"].with_context(
            active_model="cdr.file", active_ids=file.ids
        )
        with self.assertRaises(AccessError):
            dialog.with_user(self.user).create({"reason": "x"})
        dialog.with_user(self.manager).create({"reason": "A test"}).action_apply()
        self.assertEqual((file.state, file.ignore_reason), ("ignored", "A test"))
