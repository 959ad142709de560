"""Which amounts are unusual, as pure functions: no ORM."""

from math import fsum, sqrt


def mean_and_deviation(amounts: list[float]) -> tuple[float, float]:
    """Return mean and (population) standard deviation; zeros for no amounts."""
    if not amounts:
        return 0.0, 0.0
    mean = fsum(amounts) / len(amounts)
    return mean, sqrt(fsum((amount - mean) ** 2 for amount in amounts) / len(amounts))


def is_anomaly(amount: float, known: list[float], minimum: float, percent: float) -> bool:
    """Return whether an amount is unusual against a customer's past.

    All three must hold against the mean of the past: the difference is greater than the standard
    deviation, at least ``minimum`` and at least ``percent`` % of the mean. Without a past there
    is nothing to compare with.
    """
    if not known:
        return False
    mean, deviation = mean_and_deviation(known)
    difference = abs(amount - mean)
    # Amounts are cents at the finest: what is less stems from the arithmetic.
    tiny = 1e-6
    return (
        difference > deviation + tiny
        and difference >= minimum - tiny
        and difference >= abs(mean) * percent / 100.0 - tiny
    )
