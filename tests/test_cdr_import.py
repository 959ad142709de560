"""Files become records: what is good comes in once, what is not says what and where."""

import base64
import gzip
import io
import zipfile
from datetime import date, datetime
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import tagged

from .cdr_common import HEAD, CdrCase, call_line


@tagged("post_install", "-at_install")
class TestCdrImport(CdrCase):
    def test_a_file_becomes_records_with_numbers_times_and_totals(self):
        self.carrier.format_id = self.carrier.format_id.copy({"tz": "Europe/London"})
        self.company.resource_calendar_id.tz = "America/New_York"
        line = "2026-07-01 00:30:00,020 7946 0001,0049 30 901820,61,0.125,x1\n"
        file = self.receive(HEAD + line)
        self.assertEqual(file.state, "processed", file.message)
        record = self.records_of(file)
        self.assertRecordValues(
            record,
            [
                {
                    "call_time": datetime(2026, 6, 30, 23, 30),
                    "call_day": date(2026, 6, 30),
                    "caller": "020 7946 0001",
                    "identifier": "442079460001",
                    "destination": "4930901820",
                    "seconds": 61,
                    "cost": 0.125,
                    "record_key": "x1",
                    "direction": "out",
                    "answered": True,
                    "withheld": False,
                    "line_number": 2,
                    "company_id": self.company.id,
                }
            ],
        )
        self.assertEqual((file.line_count, file.record_count, file.error_count), (2, 1, 0))
        self.assertEqual((file.total_seconds, file.total_cost), (61, 0.125))
        self.assertEqual(file.period, date(2026, 6, 1))

    def test_lines_that_cannot_be_read_are_named_and_the_others_come_in(self):
        good = [call_line(number) for number in range(1, 9)]
        bad = [
            b"2026-13-01 10:00:00,1,2,3,0.1,b1\n",
            b"2026-01-01 10:00:00,1,2,three,0.1,b2\n",
            b"2026-01-01 10:00:00,1,2,3,1e999,b3\n",
            b'2026-01-01 10:00:00,"1,2,3,0.1,b4\n',
            b"2026-01-01 10:00:00,1\n",
            b"2026-01-01 10:00:00,\xff\xfe,2,3,0.1,b6\n",
            b"2026-01-01 10:00:00,1\x00,2,3,0.1,b7\n",
            b"x" * 10_000_000 + b"\n",
        ]
        lines = [HEAD.encode()]
        for one, other in zip(good, bad, strict=True):
            lines += [one.encode(), other]
        file = self.receive(b"".join(lines))
        self.assertEqual(file.state, "processed", file.message)
        self.assertEqual((file.record_count, file.error_count), (8, 8))
        found = {line.line_number: line.code for line in file.line_ids}
        codes = ("date", "seconds", "cost", "open_quote", "too_short", "encoding", "zero_bytes")
        self.assertEqual(found, dict(zip(range(3, 18, 2), (*codes, "too_long"), strict=True)))
        for line in file.line_ids:
            self.assertTrue(line.text and line.reason)
            self.assertLess(len(line.text), 20_000)
        self.assertIn("2026-13-01", file.line_ids.filtered(lambda line: line.code == "date").reason)

    def test_formulas_in_a_file_stay_the_texts_that_they_are(self):
        file = self.receive(HEAD + call_line(1, caller="=cmd|' /C calc'!A0", callee="@SUM(1)"))
        record = self.records_of(file)
        self.assertEqual(record.caller, "=cmd|' /C calc'!A0")
        self.assertEqual(record.callee, "@SUM(1)")

    def test_totals_counted_while_reading_are_those_of_the_records(self):
        lines = [call_line(n, seconds=n % 7, cost=f"{n}.{n:03}") for n in (*range(1, 9), 50_000)]
        lines += ["2026-02-01 10:00:00,1,2,,,a\n", "2026-02-02 10:00:00,1,2,9,,b\n"]
        self.carrier.write({"late_rule": "refuse", "late_days": 20})
        for content in (lines[:5], lines[5:], lines[3:], ["no call,at all\n", lines[0]]):
            items = [("calls.csv", (HEAD + "".join(content)).encode())]
            file = self.env["cdr.file"]._receive(self.carrier, items, "upload")
            file._own().received_date = datetime(2026, 2, 3)
            self.work()
            records, seconds, cost, first, last, late, month = file._totals()
            self.assertEqual(
                (file.record_count, file.total_seconds, file.first_date, file.last_date),
                (records, seconds, first or False, last or False),
            )
            self.assertAlmostEqual(file.total_cost, float(cost), places=6)
            self.assertEqual((file.late_count, file.period), (late, month or False))

    def test_calls_are_rated_without_choices_where_there_are_too_many_plans(self):
        one = self.receive(HEAD + call_line(1))
        with patch("odoo.addons.billing_operations.cdrs.rating_choices.MAX_PLANS", -1):
            other = self.receive(HEAD + call_line(2), "next.csv")
        for file in (one, other):
            self.assertEqual(self.records_of(file).error_code, "unknown_number")

    def test_signs_that_copy_knows_stay_the_texts_that_they_are(self):
        for number, sign in enumerate(("\\", "\\N", "\\.", "a\tb", "\\t", "two\nlines"), 1):
            file = self.receive(HEAD + call_line(number, caller=f'"{sign}"'))
            self.assertEqual(self.records_of(file).caller, sign)

    def test_the_same_file_is_held_and_can_be_released_or_discarded(self):
        content = HEAD + call_line(1) + call_line(2)
        first = self.receive(content)
        again, third = self.receive(content, "again.csv"), self.receive(content, "third.csv")
        self.assertEqual((again.state, third.state), ("duplicate", "duplicate"))
        self.assertEqual(again.duplicate_of_id, first)
        again.action_release()
        self.work()
        self.assertEqual((again.state, again.record_count), ("processed", 0))
        self.assertEqual(again.duplicate_count, 2)
        third.action_discard()
        self.assertEqual(third.state, "ignored")
        self.assertTrue(third.ignore_reason)
        self.assertEqual(
            self.env["cdr.record"].search_count([("carrier_id", "=", self.carrier.id)]), 2
        )

    def test_two_equal_files_at_once_come_in_once(self):
        content = (HEAD + call_line(1)).encode()
        files = self.env["cdr.file"]._receive(
            self.carrier, [("a.csv", content), ("b.csv", content)], "upload"
        )
        self.work()
        self.assertEqual(files.mapped("state"), ["processed", "duplicate"])

    def test_the_same_record_in_another_file_is_not_taken_again(self):
        self.receive(HEAD + call_line(1) + call_line(2))
        file = self.receive(HEAD + call_line(2) + call_line(3), "next.csv")
        self.assertEqual((file.record_count, file.duplicate_count), (1, 1))
        self.assertEqual(file.state, "processed")

    def test_a_file_processed_again_keeps_its_records_and_reads_the_others(self):
        file = self.receive(HEAD + call_line(1) + "05/01/2026 10:00:00,1,2,3,0.1,late\n")
        self.assertEqual((file.record_count, file.error_count), (1, 1))
        file.action_process()
        self.work()
        self.assertEqual((file.record_count, file.error_count), (1, 1))
        self.assertEqual(len(self.records_of(file)), 1)

    def test_late_calls_are_taken_or_refused_as_the_carrier_says(self):
        content = HEAD + call_line(1)
        old = self.make_carrier(name="Old", late_rule="refuse", late_days=30)
        files = self.env["cdr.file"]._receive(old, [("a.csv", content.encode())], "upload")
        files._own().received_date = datetime(2026, 3, 1)
        self.work()
        self.assertEqual((files.state, files.late_count), ("processed", 1))
        record = self.records_of(files)
        self.assertEqual((record.state, record.error_code), ("error", "out_of_window"))
        file = self.receive(content)
        self.assertFalse(file.late_count)

    def test_archives_are_unpacked_file_by_file(self):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("one.csv", HEAD + call_line(1))
            archive.writestr("two.csv", HEAD + call_line(2) + call_line(3))
        first = self.receive(packed.getvalue(), "january.zip")
        files = self.env["cdr.file"].search([("carrier_id", "=", self.carrier.id)], order="id")
        self.assertEqual(files[0], first)
        self.assertEqual(files.mapped("name"), ["january.zip/one.csv", "january.zip/two.csv"])
        self.assertEqual(files.mapped("record_count"), [1, 2])
        plain = self.receive(HEAD + call_line(1), "one.csv")
        self.assertEqual((plain.state, plain.duplicate_of_id), ("duplicate", first))
        file = self.receive(gzip.compress((HEAD + call_line(9)).encode()), "nine.csv.gz")
        self.assertEqual((file.state, file.record_count), ("processed", 1))

    def test_a_packed_file_that_breaks_off_keeps_its_lines_and_says_so(self):
        content = (HEAD + "".join(map(call_line, range(5000)))).encode()
        packed = gzip.compress(content)
        file = self.receive(packed[: len(packed) // 2], "cut.csv.gz")
        self.assertEqual(file.state, "error")
        self.assertGreater(file.record_count, 1000)
        self.assertIn("breaks off", file.message)
        whole = self.receive(packed, "whole.csv.gz")
        self.assertEqual(whole.state, "processed")
        self.assertEqual(file.record_count + whole.record_count, 5000)

    def test_what_may_not_be_unpacked_is_in_error_with_the_reason(self):
        bomb = gzip.compress(b"0" * 60_000_000)
        nested = io.BytesIO()
        with zipfile.ZipFile(nested, "w") as archive:
            archive.writestr("inner.zip", b"PK")
        many = io.BytesIO()
        with zipfile.ZipFile(many, "w") as archive:
            for number in range(1001):
                archive.writestr(f"{number}.csv", b"")
        link = io.BytesIO()
        with zipfile.ZipFile(link, "w") as archive:
            info = zipfile.ZipInfo("calls.csv")
            info.external_attr = 0o120777 << 16
            archive.writestr(info, "/etc/passwd")
        locked = bytearray(nested.getvalue())
        for marker, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            locked[locked.index(marker) + offset] |= 1
        for content, name, part in (
            (bomb, "bomb.gz", "200 times"),
            (nested.getvalue(), "nested.zip", "another archive"),
            (many.getvalue(), "many.zip", "1001"),
            (link.getvalue(), "link.zip", "a link"),
            (bytes(locked), "locked.zip", "encrypted"),
            (b"PK\x03\x04rubbish", "broken.zip", "damaged"),
            (b"Rar!\x1a\x07", "calls.rar", "RAR"),
            (b"", "empty.csv", "no lines"),
            (b"%PDF-1.7\n%\xe2\xe3\n" * 900, "bill.pdf", "format"),
        ):
            with self.subTest(name):
                file = self.receive(content, name)
                self.assertEqual(file.state, "error")
                self.assertIn(part, file.message)
                self.assertFalse(file.record_count)

    def test_a_file_of_another_kind_names_the_column_that_is_missing(self):
        file = self.receive("when,who\n2026-01-01,1\n")
        self.assertEqual(file.state, "error")
        self.assertIn("“date”", file.message)

    def test_a_carrier_may_have_its_files_wait(self):
        self.carrier.auto_import = False
        file = self.receive(HEAD + call_line(1))
        self.assertEqual(file.state, "pending")
        file.action_process()
        self.assertEqual(file.state, "processing")
        self.work()
        self.assertEqual(file.state, "processed")
        with self.assertRaises(UserError):
            file.action_ignore(reason="late")

    def test_uploads_take_several_files_and_name_what_they_cannot_read(self):
        content = (HEAD + call_line(1)).encode()
        attachments = self.env["ir.attachment"].create(
            [{"name": "a.csv", "raw": content}, {"name": "b.csv", "raw": content + b"\n"}]
        )
        upload = self.env["cdr.upload"].create(
            {"carrier_id": self.carrier.id, "attachment_ids": [(6, 0, attachments.ids)]}
        )
        action = upload.action_upload()
        self.work()
        files = self.env["cdr.file"].search(action["domain"])
        self.assertEqual(files.mapped("state"), ["processed", "processed"])
        self.assertFalse(attachments.exists())
        # What lies elsewhere is not taken away from there.
        kept = self.env["ir.attachment"].create(
            {
                "name": "kept.csv",
                "raw": content + b"\n\n",
                "res_model": "res.partner",
                "res_id": self.company.partner_id.id,
            }
        )
        upload = self.env["cdr.upload"].create(
            {"carrier_id": self.carrier.id, "attachment_ids": [(6, 0, kept.ids)]}
        )
        upload.action_upload()
        self.assertTrue(kept.exists())
        rar = self.env["ir.attachment"].create({"name": "calls.rar", "raw": b"x"})
        upload = self.env["cdr.upload"].create(
            {"carrier_id": self.carrier.id, "attachment_ids": [(6, 0, rar.ids)]}
        )
        with self.assertRaisesRegex(UserError, "calls.rar is packed as RAR"):
            upload.action_upload()


@tagged("post_install", "-at_install")
class TestCdrFormats(CdrCase):
    def test_asterisk(self):
        carrier = self.make_carrier("asterisk")
        answered = (
            '"","02079460001","00493090182","default","""Ann"" <02079460001>","SIP/1-1","SIP/2-1",'
            '"Dial","SIP/2","2026-01-05 09:00:00","2026-01-05 09:00:05","2026-01-05 09:01:05",65,60,'
            '"ANSWERED","DOCUMENTATION","1767603600.1"\n'
        )
        busy = answered.replace("ANSWERED", "BUSY").replace("65,60", "5,0").replace(".1", ".2")
        file = self.receive(answered + busy, "Master.csv", carrier)
        self.assertEqual(file.state, "processed", file.message)
        self.assertRecordValues(
            self.records_of(file),
            [
                {"identifier": "442079460001", "seconds": 60, "answered": True},
                {"identifier": "442079460001", "seconds": 0, "answered": False},
            ],
        )

    def test_freeswitch(self):
        carrier = self.make_carrier("freeswitch")
        line = (
            '"Ann","1001","442079460009","default","2026-01-05 09:00:00","2026-01-05 09:00:05",'
            '"2026-01-05 09:01:05","65","60","NORMAL_CLEARING","7a-uuid","","ann","PCMU","PCMU"\n'
        )
        record = self.records_of(self.receive(line, "cdr.csv", carrier))
        self.assertEqual((record.identifier, record.destination), ("ann", "442079460009"))
        self.assertEqual((record.record_key, record.seconds), ("7a-uuid", 60))

    def test_a_received_call_that_is_passed_on_is_two_calls_in_pence(self):
        carrier = self.make_carrier("bch_voice")
        passed_on = (
            "2026-01-05,09:00:00,02079460001,,60,D,0.5,2026-01-05,09:00:02,07911123456,Mobile,4,5,19,"
            "55,12.25\n"
        )
        missed = "2026-01-05,09:05:00,02079460001,07911123456,-1,D,0,,,,,,,18,0,0\n"
        file = self.receive(passed_on + missed, "voice.csv", carrier)
        self.assertEqual(file.state, "processed", file.message)
        first, second, third = self.records_of(file)
        self.assertRecordValues(
            first + second + third,
            [
                {
                    "direction": "in",
                    "identifier": "442079460001",
                    "withheld": True,
                    "seconds": 60,
                    "cost": 0.005,
                },
                {
                    "direction": "out",
                    "identifier": "442079460001",
                    "withheld": False,
                    "seconds": 55,
                    "cost": 0.1225,
                },
                {
                    "direction": "in",
                    "identifier": "442079460001",
                    "withheld": False,
                    "seconds": 0,
                    "cost": 0.0,
                },
            ],
        )
        self.assertEqual(second.destination, "447911123456")
        self.assertFalse(third.answered)

    def test_fixed_width(self):
        carrier = self.make_carrier(
            "linxonline", country_id=self.env.ref("base.au").id, name="Fixed"
        )
        line = [" "] * 514

        def put(begin, text):
            line[begin - 1 : begin - 1 + len(text)] = text

        put(1, "UIR")
        put(7, "00000001000000020000")
        put(67, "A  0292610000")
        put(121, "A  0398765432")
        put(146, "20260105  10:11:12")
        put(194, "000000130")
        put(207, "000000001500000")
        file = self.receive(f"HDR\n{''.join(line)}\nTRL00001\n", "usage.txt", carrier)
        self.assertEqual((file.state, file.error_count), ("processed", 0), file.message)
        record = self.records_of(file)
        self.assertEqual((record.identifier, record.destination), ("61292610000", "61398765432"))
        self.assertEqual((record.seconds, record.cost), (90, 0.15))

    def test_a_sample_shows_what_the_format_reads_and_what_it_cannot(self):
        form = self.env.ref("billing_operations.cdr_format_generic_csv").copy()
        self.assertEqual(form.name, "Generic CSV (copy)")
        content = HEAD + call_line(1, caller="<b>x</b>") + "nonsense\n"
        form.write({"sample": base64.b64encode(content.encode()), "sample_name": "sample.csv"})
        self.assertIn("&lt;b&gt;x&lt;/b&gt;", form.sample_preview)
        self.assertIn("calls: 1, lines not read: 1", form.sample_preview)
        self.assertIn("ends too early", form.sample_preview)
        self.assertIn("<td>Made</td>", form.sample_preview)
        form.delimiter = ";"
        self.assertIn("no column", form.sample_preview)

    def test_a_sample_of_fixed_fees_shows_the_fees(self):
        form = self.env.ref("billing_operations.cdr_format_generic_fixed_fee").copy()
        content = (
            "number,description,cost,from,to\n"
            "+44 161 496 0101,Line rental,6.20,2026-09-01,2026-09-30\n"
            "+44 161 496 0102,Line rental,much,,\n"
        )
        form.write({"sample": base64.b64encode(content.encode()), "sample_name": "fees.csv"})
        self.assertIn("fees: 1, lines not read: 1", form.sample_preview)
        cells = ("Line rental", "6.20", "09/01/2026", "10/01/2026")
        self.assertIn(
            "".join(f"<td>{cell}</td>" for cell in cells),
            form.sample_preview,
        )
        self.assertIn("much", form.sample_preview)

    def test_tap3(self):
        try:
            from pycrate_asn1dir import TAP3
        except ImportError:
            self.fail("This test needs the Python package pycrate: pip install pycrate==0.8.1")
        call = {
            "basicCallInformation": {
                "chargeableSubscriber": (
                    "simChargeableSubscriber",
                    {
                        "imsi": bytes.fromhex("234150000000001f"),
                        "msisdn": bytes.fromhex("447911123456"),
                    },
                ),
                "destination": {"calledNumber": bytes.fromhex("4930901820")},
                "callEventStartTimeStamp": {
                    "localTimeStamp": b"20260105100000",
                    "utcTimeOffsetCode": 0,
                },
                "totalCallEventDuration": 90,
            },
            "basicServiceUsedList": [
                {
                    "basicService": {"serviceCode": ("teleServiceCode", b"11")},
                    "chargeInformationList": [
                        {
                            "chargedItem": b"D",
                            "exchangeRateCode": 0,
                            "chargeDetailList": [{"chargeType": b"00", "charge": 1250}],
                        }
                    ],
                }
            ],
        }
        batch = {
            "accountingInfo": {"tapDecimalPlaces": 3, "localCurrency": b"EUR"},
            "networkInfo": {
                "utcTimeOffsetInfo": [{"utcTimeOffsetCode": 0, "utcTimeOffset": b"+0100"}]
            },
            "callEventDetails": [("mobileOriginatedCall", call)],
        }
        interchange = TAP3.TAP_0312.DataInterChange
        interchange.set_val(("transferBatch", batch))
        content = interchange.to_ber()
        carrier = self.make_carrier("tap3")
        file = self.receive(content, "CDGBRFEDEU00001", carrier)
        self.assertEqual(file.state, "processed", file.message)
        self.assertRecordValues(
            self.records_of(file),
            [
                {
                    "identifier": "447911123456",
                    "destination": "4930901820",
                    "seconds": 90,
                    "cost": 1.25,
                    "call_time": datetime(2026, 1, 5, 9, 0),
                }
            ],
        )
        broken = self.receive(content[: len(content) // 2], "CDGBRFEDEU00002", carrier)
        self.assertEqual(broken.state, "error")
