"""Decides what becomes of a task whose attempt did not succeed. Plain functions, no database."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from .exceptions import FatalTaskError, RetryTask, SkipTask

MAX_POSTPONEMENTS = 100
MAX_POSTPONED = timedelta(days=7)
MAX_DELAY = timedelta(hours=24)
JITTER = 0.2


@dataclass(frozen=True)
class Attempts:
    """What is known of a task's earlier attempts. Delays in minutes."""

    retry_count: int
    max_retries: int
    retry_delay: float
    backoff: float
    postpone_count: int = 0
    postponed_for: timedelta = timedelta()


@dataclass(frozen=True)
class Verdict:
    """The state a task goes to, after which delay, and the counters it then carries."""

    state: str
    code: str
    retry_count: int
    postpone_count: int
    delay: timedelta = timedelta()


def retry_delay(
    attempts: Attempts, rng: Callable[[float, float], float] = random.uniform
) -> timedelta:
    """Return the delay before the next try: delay × backoff^(tries so far), ± 20 %, at most a day.

    The jitter keeps tasks that failed together from coming back together.
    """
    longest = MAX_DELAY.total_seconds() / 60
    minutes = attempts.retry_delay
    for _try in range(attempts.retry_count):
        if minutes <= 0 or minutes >= longest or attempts.backoff <= 1:
            break
        minutes *= attempts.backoff
    return timedelta(minutes=min(minutes, longest) * rng(1 - JITTER, 1 + JITTER))


def judge(
    error: BaseException, attempts: Attempts, rng: Callable[[float, float], float] = random.uniform
) -> Verdict:
    """Return the ``Verdict`` on an attempt that ended with the exception ``error``."""
    same = {"retry_count": attempts.retry_count, "postpone_count": attempts.postpone_count}
    if isinstance(error, SkipTask):
        return Verdict("skipped", "not_needed", **same)
    if isinstance(error, FatalTaskError):
        return Verdict("failed", error.code, **same)
    if isinstance(error, RetryTask):
        return _judge_postponement(error, attempts, same, rng)
    if attempts.retry_count >= attempts.max_retries:
        return Verdict("failed", "retries_used_up", **same)
    return Verdict(
        "error",
        "error",
        retry_count=attempts.retry_count + 1,
        postpone_count=attempts.postpone_count,
        delay=retry_delay(attempts, rng),
    )


def judge_interruption(attempts: Attempts) -> Verdict:
    """Return the ``Verdict`` on an attempt whose process ended: one retry is used up, the next try
    is due at once, since an interruption is seldom the task's own fault."""
    if attempts.retry_count >= attempts.max_retries:
        return Verdict("failed", "interrupted", attempts.retry_count, attempts.postpone_count)
    return Verdict("error", "interrupted", attempts.retry_count + 1, attempts.postpone_count)


def _judge_postponement(error, attempts, same, rng):
    if attempts.postpone_count >= MAX_POSTPONEMENTS or attempts.postponed_for >= MAX_POSTPONED:
        return Verdict("failed", "postponed_too_often", **same)
    delay = error.delay
    if delay is None:
        delay = retry_delay(attempts, rng)
    elif not isinstance(delay, timedelta):
        delay = timedelta(seconds=min(delay, MAX_POSTPONED.total_seconds()))
    return Verdict(
        "error",
        "postponed",
        retry_count=attempts.retry_count,
        postpone_count=attempts.postpone_count + 1,
        delay=min(max(delay, timedelta()), MAX_POSTPONED),
    )
