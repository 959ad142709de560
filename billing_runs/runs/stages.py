"""The stages of a billing run, as plain data shared by runs, bills and tasks."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One stage: bills in state ``before`` are taken to state ``after``.

    :param name: value of ``billing.run.stage``
    :param task_type: code of the task type that carries a batch of it
    :param method: batch method of ``billing.bill`` that does the work
    :param batch: customers a task, as a share of the company's batch size
    """

    name: str
    task_type: str
    method: str
    before: str
    after: str
    batch: float = 1.0


POSTPAID_STAGES = (
    Stage("rating", "run_rate", "_rate", "pending", "rated"),
    Stage("invoicing", "run_invoice", "_invoice", "rated", "invoiced"),
    Stage("posting", "run_post", "_post", "invoiced", "posted"),
    # Rendering takes most of a bill's time: smaller batches move the progress.
    Stage("formatting", "run_format", "_format", "posted", "done", 0.1),
)
STAGES = {"postpaid": POSTPAID_STAGES}
STAGE_BY_NAME = {stage.name: stage for stage in POSTPAID_STAGES}


def stage_index(stages, name):
    """Return the position of a stage, -1 for none."""
    return next((i for i, stage in enumerate(stages) if stage.name == name), -1)
