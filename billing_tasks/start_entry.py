"""An entry of the start page as an object.

Plain Python, without the ORM: an entry keeps nothing, it is asked in an environment. Which entries
the page has says ``billing.start._entry_registry``; another entry is a class in the package that
knows its data, and its object in the list there.
"""

from odoo.tools.misc import formatLang

from .counting import count_each


class StartEntry:
    """One entry. Subclasses set the attributes and say in :meth:`show` what there is to see."""

    #: its name in the page's JSON, and for whoever takes it out or puts another in its place
    code = ""
    #: what people read, translatable
    title = ""
    #: its place among the entries; leave room for others
    place = 100
    #: who sees it: external ids of groups, separated by commas. They must be able to read what is
    #: counted: an entry counts with the user's own rights.
    groups = ""

    def show(self, env):
        """Return what there is to see, as plain JSON. Empty means that there is nothing.

        * ``sentence``: what there is to know
        * ``head``: the columns' names
        * ``labels``: how many columns come before the figures
        * ``rows``: lists of cells: texts, or what :func:`figure` returns

        :param env: the user's own environment: no ``sudo``, and the companies that are selected
        """
        raise NotImplementedError

    def empty(self, env):
        """Return what the entry says when there is nothing to see."""
        raise NotImplementedError


def opens(name, model, domain) -> dict:
    """Return the action that lists what a domain finds.

    :param domain: the very domain that was counted
    """
    return {
        "type": "ir.actions.act_window",
        "name": name,
        "res_model": model,
        "views": [[False, "list"], [False, "form"]],
        "domain": list(domain),
        "context": {"create": False},
    }


def figure(text, name, model, domain, tone=None) -> dict:
    """Return a cell that opens what it counts.

    :param str text: the figure as people read it
    :param str name: the title of the list
    :param str tone: ``danger`` or ``warning`` where it is bad news
    """
    return {"text": text, "tone": tone, "action": opens(name, model, domain)}


def count(env, number, name, model, domain, tone=None) -> dict | str:
    """Return the cell of a number of records; a plain 0 where there are none."""
    text = formatLang(env, number, digits=0)
    return figure(text, name, model, domain, tone) if number else text


class Todo(StartEntry):
    """What waits for somebody: a row a kind, and how many there are."""

    def kinds(self, env):
        """Return ``[(text, model, domain, tone)]`` of what is counted."""
        raise NotImplementedError

    def head(self, env):
        """Return what the two columns are called."""
        return [env._("To do"), env._("Number")]

    def show(self, env):
        kinds = self.kinds(env)
        # One query: the page has few to spend.
        numbers = count_each(env, [(model, domain) for _text, model, domain, _tone in kinds])
        return {
            "head": self.head(env),
            "labels": 1,
            "rows": [
                [text, count(env, number, text, model, domain, tone)]
                for (text, model, domain, tone), number in zip(kinds, numbers, strict=True)
                if number
            ],
        }
