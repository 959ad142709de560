from odoo.tools.translate import LazyTranslate

from .step import Step

_lt = LazyTranslate(__name__)


class Period(Step):
    """The cycle has a run of this period already: a second one needs a yes."""

    code = "period"
    title = _lt("Second run of a period")
    place = 15
    confirm_label = _lt("Yes, a Second Run")

    def is_hidden(self, run):
        return not run._same_period_run()

    def show(self, run, before):
        first = run._same_period_run()
        states = dict(run._fields["state"]._description_selection(run.env))
        return {
            "state": "attention",
            "sentence": run.env._(
                "%(cycle)s has a run for this period: %(run)s, billed as of %(day)s (%(state)s). A"
                " second one bills only what has come up since. Confirm that it is wanted, or cancel"
                " this run.",
                cycle=run.cycle_id.name,
                run=first.number,
                day=run._date_text(first.cutoff_date),
                state=states[first.state],
            ),
            "numbers": {"first": first.number},
        }
