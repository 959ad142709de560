"""Records' values as PostgreSQL's COPY reads them, with what the ORM would store for each."""

import json

NULL = "\\N"
#: in place of a value that a record has none for
MISSING = object()
ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _boolean(value):
    return NULL if value is None else "t" if value else "f"


def _id(value):
    return f"{value}" if value else NULL


def _integer(value):
    return f"{value or 0}"


def _number(value):
    return repr(float(value or 0.0))


class Columns:
    """Some stored fields of a model, in the order in which COPY takes them: first those that are known
    late."""

    def __init__(self, model, names, currency, late=()):
        """
        :param names: of stored fields
        :param currency: of amounts whose currency the records do not store, the company's
        :param late: names of further fields, none of them an amount
        """
        self.table = model._table
        fields = {name: model._fields[name] for name in (*late, *names)}
        amounts = [name for name in names if fields[name].type == "monetary"]
        others = [name for name in names if fields[name].type != "monetary"]
        self.names = (*late, *others, *amounts)
        self._late = [(name, self._encoder(model, fields[name])) for name in late]
        self._encoders = [(name, self._encoder(model, fields[name])) for name in others]
        self._amounts = [(name, fields[name].get_currency_field(model)) for name in amounts]
        self._currency = currency
        self._places = {}

    @staticmethod
    def _encoder(model, field):
        plain = {"boolean": _boolean, "many2one": _id, "integer": _integer}
        if field.type in plain:
            return plain[field.type]
        if field.type == "float" and not field.get_digits(model.env):
            return _number
        return _Kept(model, field)

    def line(self, values, known):
        """Return the line of one record; a value that is missing is NULL.

        :param known: what is known of it, from :meth:`known`
        """
        cells = [encode(values[name]) if name in values else NULL for name, encode in self._late]
        return "\t".join([*cells, known])

    def known(self, rows):
        """Return the part of each record's line that is known early."""
        amounts = [self._amounts_of(name, currency, rows) for name, currency in self._amounts]
        columns = [self._cells_of(name, encode, rows) for name, encode in self._encoders]
        return ["\t".join(cells) for cells in zip(*columns, *amounts, strict=True)]

    @staticmethod
    def _cells_of(name, encode, rows):
        """Return the cells of a column; most columns say the same of all records."""
        values = [row.get(name, MISSING) for row in rows]
        if values.count(values[0]) == len(values):
            return [NULL if values[0] is MISSING else encode(values[0])] * len(values)
        return [NULL if value is MISSING else encode(value) for value in values]

    def _amounts_of(self, name, currency, rows):
        """Return the cells of amounts: rounded ones, where sums of them are as binary fractions have
        them. A cent is a cent."""
        return [
            f"{row[name] or 0.0:.{self._decimal_places(row.get(currency))}f}"
            if name in row
            else NULL
            for row in rows
        ]

    def _decimal_places(self, currency_id):
        if currency_id not in self._places:
            currency = self._currency.browse(currency_id) if currency_id else self._currency
            self._places[currency_id] = currency.decimal_places
        return self._places[currency_id]


class _Kept(dict):
    """What the ORM makes of a value, kept for the next record that has it."""

    def __init__(self, model, field):
        super().__init__()
        self._model, self._field = model, field

    def __call__(self, value):
        try:
            return self[value]
        except TypeError:
            return self._encoded(value)

    def __missing__(self, value):
        text = self[value] = self._encoded(value)
        return text

    def _encoded(self, value):
        stored = self._field.convert_to_column_insert(value, self._model)
        if stored is None:
            return NULL
        if hasattr(stored, "adapted"):  # a document of JSON, wrapped for the database
            stored = (
                stored.adapted if isinstance(stored.adapted, str) else json.dumps(stored.adapted)
            )
        return f"{stored}".translate(ESCAPED)
