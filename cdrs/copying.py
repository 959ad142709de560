"""Rows as PostgreSQL's COPY reads them. No database, no ORM."""

#: what separates columns and rows of COPY, where it stands in a text
ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def copy_text(columns) -> str:
    """Return rows as COPY reads them, with its own signs in texts escaped; an empty text is NULL."""
    texts = [column if isinstance(column[0], str) else list(map(str, column)) for column in columns]
    text = "\n".join(map("\t".join, zip(*texts, strict=True)))
    rows = len(texts[0])
    signs = (text.count("\t"), text.count("\n"))
    if signs != (rows * (len(texts) - 1), rows - 1) or "\\" in text or "\r" in text:
        texts = [[value.translate(ESCAPED) for value in values] for values in texts]
        text = "\n".join(map("\t".join, zip(*texts, strict=True)))
    return text + "\n"
