"""What a task handler raises to say how its attempt ended."""


class TaskControl(Exception):
    """Base of the exceptions by which a handler steers its own task."""


class FatalTaskError(TaskControl):
    """The task can never succeed: it becomes ``failed`` at once, without another try."""

    code = "fatal"


class OutcomeUnknown(FatalTaskError):
    """An outside effect may or may not have happened, and only a person can find out."""

    code = "outcome_unknown"


class SkipTask(TaskControl):
    """The task is not needed (any more): it becomes ``skipped``, with the message as its reason."""


class RetryTask(TaskControl):
    """Not now: try again later, without using up a retry.

    :param message: why, in words a person can read.
    :param delay: seconds or a ``timedelta``; without it the task type's retry delay counts.
    """

    def __init__(self, message="", delay=None):
        super().__init__(message)
        self.delay = delay
