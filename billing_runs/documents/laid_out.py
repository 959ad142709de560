"""Documents on their way to their PDFs, between two transactions. Plain Python."""

from collections import namedtuple

#: what came of a document: the engine that laid it out, its PDF or an exception, and the
#: structured invoice that was made on the way, if one was
LaidOut = namedtuple("LaidOut", "engine content structured", defaults=(None,))


class Reading:
    """What was read of some documents, to make their PDFs without the database."""

    def __init__(self, bill_ids: list[int]):
        self.bill_ids = bill_ids
        self.engines = {}
        self._data = {}
        self._dates = {}

    def add(self, move, engine, data):
        """Add what an engine read of a document, or the exception that says why it could not."""
        self.engines[move.id] = engine
        self._data[move.id] = data

    def note_dates(self, moves):
        """Note when the documents were last changed."""
        self._dates = {move.id: move.write_date for move in moves}

    def compile(self) -> dict:
        """Make the PDFs: ``{id of a document: its PDF, or the exception that says why not}``."""
        found = {key: data for key, data in self._data.items() if isinstance(data, Exception)}
        by_code = {}
        for key, engine in self.engines.items():
            if key not in found:
                by_code.setdefault(engine.code, []).append(key)
        for keys in by_code.values():
            engine = self.engines[keys[0]]
            outcomes = engine.compile([self._data[key] for key in keys])
            found |= dict(zip(keys, outcomes, strict=True))
        return found

    def laid_out(self, move, contents) -> LaidOut:
        """Return what came of a document.

        :param dict contents: that ``compile`` returned
        """
        engine, data = self.engines[move.id], self._data[move.id]
        structured = None if isinstance(data, Exception) else engine.structured(data)
        return LaidOut(engine, contents[move.id], structured)

    def is_current(self, move) -> bool:
        """Return whether a document is as it was when it was read."""
        return self._dates.get(move.id) == move.write_date
