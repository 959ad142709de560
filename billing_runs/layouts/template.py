"""A company's own template: what it may not do, and what is wrong with it in words."""

import re

from odoo.exceptions import UserError

DEFAULT = """\
#import "/bill.typ": bill
#bill(json("/data.json"))
"""
#: packages come from the network, or from folders of the server
PACKAGE = re.compile(r"""["']\s*@|@(preview|local)\b""")
FACE = re.compile(r'the text `?"(.+?)"`? could not be displayed')


def check_source(env, source: str) -> None:
    """Refuse a template that imports a package.

    :raise UserError: with the line
    """
    # In comments as well: what is one cannot be told without reading Typst as Typst does.
    found = PACKAGE.search(source)
    if found:
        raise UserError(
            env._(
                "Line %(line)s of the bill template imports a package: packages would be fetched"
                " from the network while bills are made. Copy what you need into the template.",
                line=source.count("\n", 0, found.start()) + 1,
            )
        )


def explain(env, move, error) -> UserError:
    """Return why a document could not be laid out, as an error in words."""
    face = FACE.search(str(error))
    if face:
        return UserError(
            env._(
                "No font of the server has the letters of “%(text)s” in %(document)s: install a"
                " font that has them, for instance Noto, or change the text.",
                text=face[1],
                document=move.display_name,
            )
        )
    return UserError(describe(env, error))


def describe(env, error) -> str:
    """Return what is wrong with a template or its process, in words."""
    name = type(error).__name__
    if name == "TooLong":
        return env._("Laying out the document took longer than it may.")
    if name == "Ended":
        return env._(
            "The process that lays out documents ended, mostly a sign that the document needs more"
            " memory than it may have."
        )
    if error.line:
        return env._(
            "The bill template fails in line %(line)s: %(reason)s",
            line=error.line,
            reason=str(error),
        )
    return env._("The bill could not be laid out: %(reason)s", reason=str(error))
