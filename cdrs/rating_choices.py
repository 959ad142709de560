"""The longest prefix found once for each number, not once for each call.

A number is known by its start: the longest of all prefixes that a company's plans have. Which rate of a plan
counts for a start, by day and time band, is worked out when the first call brings it
(``cdr_rating_choice``); ``rated_select`` then needs one join by whole numbers in place of one for each
length of prefixes.
"""

import io

from .copying import copy_text

#: destinations whose start is kept; they bound the memory
MAX_KEPT = 300_000
#: with more prefixes, or more plans in use, choices for all of them cost more than they save
MAX_PREFIXES = 300_000
MAX_PLANS = 4


class Starts(dict):
    """``{destination: number of its start}`` as texts, empty where no prefix fits; fills itself.

    :ivar new: ``(number, prefix)`` of starts that came up since ``take_new``.
    """

    def __init__(self, prefixes):
        super().__init__()
        self._numbers = {prefix: number for number, prefix in enumerate(sorted(prefixes))}
        self._lengths = sorted({len(prefix) for prefix in prefixes}, reverse=True)
        self._seen = set()
        self._new = []

    def __missing__(self, destination):
        if len(self) >= MAX_KEPT:
            self.clear()
        found = ""
        for length in self._lengths:
            if (number := self._numbers.get(destination[:length])) is not None:
                found = f"{number}"
                if number not in self._seen:
                    self._seen.add(number)
                    self._new.append((found, destination[:length]))
                break
        self[destination] = found
        return found

    def take_new(self):
        """Return the starts that have come up since this was asked last."""
        new, self._new = self._new, []
        return new


def prepare_choices(cr) -> Starts | None:
    """Make the table of choices, empty, beside those that ``rating_sql.prepare`` has laid out.

    :return: what finds the starts; None where there are too many plans or prefixes for choices
    """
    cr.execute("DROP TABLE IF EXISTS cdr_rating_moment, cdr_rating_start, cdr_rating_choice")
    cr.execute(
        """
        CREATE TEMPORARY TABLE cdr_rating_moment ON COMMIT DROP AS
        WITH used AS (
            SELECT plan_out AS plan_id FROM cdr_rating_number
             UNION
            SELECT plan_in FROM cdr_rating_number
        )
        SELECT plan_id, 0 AS band_id FROM used
         UNION
        SELECT plan_id, band_id FROM cdr_rating_band JOIN used USING (plan_id)
        """
    )
    cr.execute("SELECT count(DISTINCT plan_id) FROM cdr_rating_moment")
    if cr.fetchone()[0] > MAX_PLANS:
        return None
    cr.execute("SELECT DISTINCT prefix FROM cdr_rating_rate LIMIT %s", [MAX_PREFIXES + 1])
    prefixes = [row[0] for row in cr.fetchall()]
    if len(prefixes) > MAX_PREFIXES:
        return None
    cr.execute(
        """
        CREATE TEMPORARY TABLE cdr_rating_start (id integer, prefix varchar) ON COMMIT DROP;
        CREATE TEMPORARY TABLE cdr_rating_choice ON COMMIT DROP AS
        SELECT NULL::int AS start_id, band_id AS call_band_id, rate.*
          FROM cdr_rating_rate AS rate
         LIMIT 0
        """
    )
    return Starts(prefixes)


def add_choices(cr, starts: list) -> None:
    """Work out the rates of starts that came up, of every plan that calls are rated by.

    A start has one row for each stretch of days, plan and time band (0 for none): the rate of the
    longest prefix that is valid, one of the band before one of all hours. Most often the best one
    is valid whenever any is, and no stretches need to be cut.
    """
    if not starts:
        return
    cr.execute("TRUNCATE cdr_rating_start")
    text = copy_text(list(zip(*starts, strict=True)))
    cr.copy_expert("COPY cdr_rating_start FROM STDIN", io.BytesIO(text.encode()))
    cr.execute(
        """
        INSERT INTO cdr_rating_choice
        WITH fitting AS (
            SELECT start.id AS start_id, moment.plan_id, moment.band_id AS call_band_id,
                   rate.id AS rate_id, rate.date_from, rate.date_to,
                   row_number() OVER best AS place,
                   first_value(rate.date_from) OVER best AS best_from,
                   first_value(rate.date_to) OVER best AS best_to,
                   min(rate.date_from) OVER alike AS first_from,
                   max(rate.date_to) OVER alike AS last_to
              FROM cdr_rating_start AS start
             CROSS JOIN (SELECT DISTINCT length FROM cdr_rating_rate) AS occurring
              JOIN cdr_rating_rate AS rate ON rate.prefix = left(start.prefix, occurring.length)
              JOIN cdr_rating_moment AS moment
                ON moment.plan_id = rate.plan_id AND rate.band_id IN (0, moment.band_id)
             WHERE occurring.length <= length(start.prefix)
            WINDOW alike AS (PARTITION BY start.id, moment.plan_id, moment.band_id),
                   best AS (alike ORDER BY rate.length DESC, rate.band_id > 0 DESC)
        ), several AS MATERIALIZED (
            SELECT * FROM fitting WHERE best_from > first_from OR best_to < last_to
        ), edge AS (
            SELECT start_id, plan_id, call_band_id, date_from AS day FROM several
             UNION
            SELECT start_id, plan_id, call_band_id, date_to FROM several
        ), stretch AS (
            SELECT *, lead(day) OVER (
                       PARTITION BY start_id, plan_id, call_band_id ORDER BY day) AS day_after
              FROM edge
        ), chosen AS (
            SELECT start_id, call_band_id, rate_id, date_from, date_to
              FROM fitting
             WHERE place = 1 AND best_from = first_from AND best_to = last_to
             UNION ALL
            (SELECT DISTINCT ON (start_id, plan_id, call_band_id, day)
                    start_id, call_band_id, rate_id, day, day_after
               FROM stretch JOIN several USING (start_id, plan_id, call_band_id)
              WHERE date_from <= day AND date_to >= day_after
              ORDER BY start_id, plan_id, call_band_id, day, place)
        )
        SELECT chosen.start_id, chosen.call_band_id, rate.id, rate.plan_id, rate.prefix, rate.length,
               rate.band_id, chosen.date_from, chosen.date_to, rate.class_id, rate.connect_fee,
               rate.price_minute, rate.initial_seconds, rate.step_seconds, rate.minimum
          FROM chosen JOIN cdr_rating_rate AS rate ON rate.id = chosen.rate_id
        """
    )
