"""A step of the Next Steps panel as an object.

Plain Python, without the ORM: a step keeps nothing, it is asked about a run. Which steps a run
has says ``billing.run._step_registry``; another step is a class like those beside this file and
an entry there.
"""


class Step:
    """One step. Subclasses set the attributes and say in :meth:`show` how it stands."""

    #: what confirmations of it are kept under
    code = ""
    #: what people read, translatable
    title = ""
    #: ``pre``: before bills are requested; ``post``: from the end of posting
    phase = "pre"
    #: its place among the steps of its phase; leave room for others
    place = 100
    #: what the button says that confirms it, translatable; None = Confirm
    confirm_label = None
    #: whether it is about documents: runs none of whose stages makes any go without it
    needs_documents = False
    #: whether runs that debit wallets have it
    for_wallets = False

    def is_hidden(self, run):
        """Return whether a run goes without this step."""
        return self.needs_documents and not run._stages().document_states

    def show(self, run, before):
        """Return how the step stands, as plain JSON.

        * ``state``: ``done``, ``todo``, ``attention``, ``problem``, ``waiting`` or ``hidden``
        * ``sentence``: what there is to know or to do
        * ``table``: ``head``, ``rows``, ``labels`` (how many columns come before the numbers), and
          ``opens``: lists like the rows, with the ``method`` and ``args`` that open a cell's figure
        * ``links``: dicts with ``label``, ``count``, ``method``, ``args``
        * ``buttons``: dicts with ``method``, ``args``, ``label``, ``primary``, ``confirm``
        * ``numbers``: what a confirmation is about; a step with numbers is one to confirm
        * ``unsettled``: something is open that keeps it from being confirmed
        * ``live``: whether it moves by itself

        All but ``state`` may be left out.

        :param list before: what the steps before it show
        """
        raise NotImplementedError
