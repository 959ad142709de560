"""What loads the rows of a file. No database, no ORM."""


class Loader:
    """Takes the rows of one file part by part. Must be closed, whatever happens.

    :ivar calls: how many rows were taken.
    :ivar had_already: how many of them were there before; known once it was flushed.
    """

    def __init__(self, file):
        self.file = file
        self.calls = 0
        self.had_already = 0

    def totals(self):
        """Return ``Totals`` of the rows, where the file holds these and no others; else None."""
        return None

    def wait(self):
        """Come back once the cursor is free; a loader that uses it in a thread of its own extends this."""

    def close(self):
        """End what is at work; a loader with a thread of its own extends this."""
