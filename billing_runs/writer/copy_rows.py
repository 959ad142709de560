"""Records' values as PostgreSQL's COPY reads them, with what the ORM would store for each."""

import json

NULL = "\\N"
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
    """Some stored fields of a model, in the order in which COPY takes them."""

    def __init__(self, model, names, currency):
        """
        :param names: of stored fields
        :param currency: of amounts whose currency the records do not store, the company's
        """
        self.table = model._table
        self.names = tuple(names)
        self._encoders = [(name, self._encoder(model, model._fields[name])) for name in names]
        self._amounts = {
            place: field.get_currency_field(model)
            for place, field in enumerate(map(model._fields.__getitem__, names))
            if field.type == "monetary"
        }
        self._currency = currency
        self._places = {}

    @staticmethod
    def _encoder(model, field):
        plain = {"boolean": _boolean, "many2one": _id, "integer": _integer, "monetary": _number}
        if field.type in plain:
            return plain[field.type]
        if field.type == "float" and not field.get_digits(model.env):
            return _number
        return _Kept(model, field)

    def line(self, values):
        """Return the line of one record; a value that is missing is NULL."""
        cells = [
            encode(values[name]) if name in values else NULL for name, encode in self._encoders
        ]
        # Rounded amounts, but sums of them as binary fractions have them: a cent is a cent.
        for place, currency in self._amounts.items():
            if cells[place] is not NULL:
                places = self._decimal_places(values.get(currency))
                cells[place] = f"{values[self.names[place]] or 0.0:.{places}f}"
        return "\t".join(cells)

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
