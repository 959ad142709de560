"""Documents on their way to their PDFs, between two transactions. Plain Python."""

from collections import namedtuple

from ..layouts import facturx

#: what came of a document: the engine that laid it out, its PDF or an exception, the structured
#: invoice that was made on the way, if one was, and whether one was put into the PDF that is not
#: finished otherwise
LaidOut = namedtuple("LaidOut", "engine content structured enclosed", defaults=(None, False))


class Reading:
    """What was read of some documents, to make their PDFs without the database."""

    def __init__(self, bill_ids: list[int]):
        self.bill_ids = bill_ids
        self.engines = {}
        self._data = {}
        self._dates = {}
        self._annexes = {}
        self._enclosed = {}

    def add(self, move, engine, data):
        """Add what an engine read of a document, or the exception that says why it could not."""
        self.engines[move.id] = engine
        self._data[move.id] = data

    def enclose(self, move, xml):
        """Have a structured invoice put into the PDF of a document."""
        self._enclosed[move.id] = xml

    def add_annexes(self, move, annexes):
        """Add what was read of a document's annexes: ``[(engine, file name, data)]``, or the
        exception that says why there are none."""
        failed = isinstance(annexes, Exception)
        self._annexes[move.id] = [(None, "", annexes)] if failed else annexes

    def annexes(self, move, contents: dict):
        """Return a document's annexes, ``[(file name, content or exception)]``; None where they were
        not read."""
        if move.id not in self._annexes:
            return None
        return [(name, contents[move.id, name]) for _engine, name, _data in self._annexes[move.id]]

    def note_dates(self, moves):
        """Note when the documents were last changed."""
        self._dates = {move.id: move.write_date for move in moves}

    def compile(self) -> dict:
        """Make the PDFs: ``{id of a document: its PDF, or the exception that says why not}``, and those
        of annexes by the document's id and their file name."""
        found = {key: data for key, data in self._data.items() if isinstance(data, Exception)}
        by_code = {}
        for key, engine in self.engines.items():
            if key not in found:
                by_code.setdefault(engine.code, []).append(key)
        for keys in by_code.values():
            engine = self.engines[keys[0]]
            outcomes = engine.compile([self._data[key] for key in keys])
            found |= dict(zip(keys, outcomes, strict=True))
        for key, xml in self._enclosed.items():
            found[key] = self._with_structured(found[key], xml)
        return found | self._compile_annexes()

    @staticmethod
    def _with_structured(content, xml):
        if isinstance(content, Exception):
            return content
        try:
            return facturx.attach(content, xml)
        except Exception as error:
            return error  # the document's alone: its engine tries another way

    def _compile_annexes(self):
        found, by_code = {}, {}
        for key, annexes in self._annexes.items():
            for engine, name, data in annexes:
                if isinstance(data, Exception):
                    found[key, name] = data
                    continue
                by_code.setdefault(engine.code, (engine, []))[1].append(((key, name), data))
        for engine, jobs in by_code.values():
            outcomes = engine.compile([data for _key, data in jobs])
            found |= {key: outcome for (key, _data), outcome in zip(jobs, outcomes, strict=True)}
        return found

    def laid_out(self, move, contents) -> LaidOut:
        """Return what came of a document.

        :param dict contents: that ``compile`` returned
        """
        engine, data = self.engines[move.id], self._data[move.id]
        structured = None if isinstance(data, Exception) else engine.structured(data)
        return LaidOut(engine, contents[move.id], structured, move.id in self._enclosed)

    def is_current(self, move) -> bool:
        """Return whether a document is as it was when it was read."""
        return self._dates.get(move.id) == move.write_date
