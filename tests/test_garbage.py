"""When garbage is collected. No database."""

import gc
import unittest

from ..billing_tasks.garbage import attempt, collecting_later


class TestCollectingLater(unittest.TestCase):
    def setUp(self):
        self.addCleanup(gc.enable if gc.isenabled() else gc.disable)
        gc.enable()

    def test_nothing_is_collected_until_the_batch_ends(self):
        with collecting_later():
            self.assertFalse(gc.isenabled())
        self.assertTrue(gc.isenabled())

    def test_an_error_in_the_batch_does_not_end_collecting_for_ever(self):
        with self.assertRaises(ZeroDivisionError), collecting_later():
            _ = 1 / 0
        self.assertTrue(gc.isenabled())

    def test_two_batches_at_once_wait_for_the_last_of_them(self):
        first, second = collecting_later(), collecting_later()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        self.assertFalse(gc.isenabled())
        second.__exit__(None, None, None)
        self.assertTrue(gc.isenabled())

    def test_a_batch_can_wait_for_the_end_of_its_transaction(self):
        with attempt():
            with collecting_later(until_committed=True):
                pass
            self.assertFalse(gc.isenabled())
        self.assertTrue(gc.isenabled())
        # Elsewhere nobody would say when that is.
        with collecting_later(until_committed=True):
            self.assertFalse(gc.isenabled())
        self.assertTrue(gc.isenabled())

    def test_an_attempt_that_fails_does_not_end_collecting_for_ever(self):
        with self.assertRaises(ZeroDivisionError), attempt():
            with collecting_later(until_committed=True):
                _ = 1 / 0
        self.assertTrue(gc.isenabled())
        with collecting_later(until_committed=True):
            pass
        self.assertTrue(gc.isenabled())

    def test_whoever_has_switched_it_off_finds_it_switched_off(self):
        gc.disable()
        with collecting_later():
            self.assertFalse(gc.isenabled())
        self.assertFalse(gc.isenabled())
