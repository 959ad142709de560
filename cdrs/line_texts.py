"""What is wrong with a line or a file, in words for people.

Each text says what was found, what was expected and, where it is not plain, what to do.
"""


def problem_text(env, code: str, values: dict) -> str:
    """Return the sentence for a problem that reading a file found."""
    return _TEXTS[code](env, values)


_TEXTS = {
    # of lines
    "too_long": lambda env, v: env._(
        "The line is longer than %s characters: line ends are missing, or this is no text.",
        v["limit"],
    ),
    "zero_bytes": lambda env, v: env._("The line holds zero bytes: the file is damaged here."),
    "encoding": lambda env, v: env._(
        "The line is not %s text. Choose the encoding of the carrier's files in the format.",
        v["encoding"],
    ),
    "open_quote": lambda env, v: env._("A quoted field begins in this line and does not end."),
    "too_short": lambda env, v: env._(
        "The line ends too early: %(have)s of at least %(want)s columns or characters.", **v
    ),
    "date": lambda env, v: env._("“%(text)s” is not a date and time in the form %(form)s.", **v),
    "seconds": lambda env, v: env._("“%s” is not the duration of a call.", v["text"]),
    "cost": lambda env, v: env._("“%s” is not an amount.", v["text"]),
    "long_number": lambda env, v: env._("A number is longer than 256 characters."),
    "archived_value": lambda env, v: env._(
        "“%(text)s” cannot be the value of %(name)s: the archive is damaged here.", **v
    ),
    "no_identifier": lambda env, v: env._("The line names no number or login."),
    # of whole files
    "no_column": lambda env, v: env._(
        "The first line has no column “%s”. Is this another kind of file, or has the carrier changed"
        " it? The format says which columns are read.",
        v["name"],
    ),
    "no_call": lambda env, v: env._(
        "Not one line of the first %(lines)s could be read with the format %(format)s. Line %(line)s:"
        " %(reason)s",
        **v,
    ),
    "no_format": lambda env, v: env._(
        "The carrier %s has no format for such files. Choose one on the carrier, then process the file"
        " again.",
        v["carrier"],
    ),
    "tap_record": lambda env, v: env._("The record holds no call that can be understood."),
    "empty": lambda env, v: env._("The file holds no lines."),
    "no_library": lambda env, v: env._(
        "Files of this kind are read by the Python package %s. Install it on the server, then process"
        " the file again.",
        v["package"],
    ),
    "not_tap": lambda env, v: env._("This is not a TAP3 file, or it is damaged: %s", v["why"]),
    # of packed files
    "other_archive": lambda env, v: env._(
        "%(name)s is packed as %(packer)s, which is not read here. Pack it as zip or gz, or send it"
        " as it is.",
        **v,
    ),
    "too_large": lambda env, v: env._(
        "%(name)s is larger than %(limit)s MB. Split it, or raise the limit in Settings.", **v
    ),
    "too_large_unpacked": lambda env, v: env._(
        "%(name)s unpacks to more than %(limit)s MB. Split it, or raise the limit in Settings.", **v
    ),
    "bomb": lambda env, v: env._(
        "%(name)s unpacks to more than %(ratio)s times its size, as no file of calls does. It was"
        " not read on.",
        **v,
    ),
    "many_entries": lambda env, v: env._(
        "%(name)s holds %(count)s files, more than the %(limit)s that Settings allow.", **v
    ),
    "encrypted": lambda env, v: env._(
        "%(entry)s in %(name)s is encrypted. Ask the carrier for a file without a password.", **v
    ),
    "link": lambda env, v: env._(
        "%(entry)s in %(name)s is a link to another file, which is not followed.", **v
    ),
    "nested": lambda env, v: env._(
        "%(name)s holds another archive, %(entry)s. Unpack it and send the files in it.", **v
    ),
    "empty_archive": lambda env, v: env._("%(name)s holds no files.", **v),
    "same_names": lambda env, v: env._("%(name)s holds two files of the same name.", **v),
    "broken_archive": lambda env, v: env._(
        "%(name)s is damaged and cannot be unpacked. Fetch or send it again.", **v
    ),
    "broken_off": lambda env, v: env._(
        "%(name)s breaks off while it is unpacked. Fetch or send it again.", **v
    ),
}
