"""Match calls to services and rate them, by sets.

A call's number finds the service that it belongs to on the call's day, the service's terms on that day
name the plan, the plan has the rate: the longest prefix that is valid. ``prepare`` lays out what
is needed for that in temporary tables, once a transaction; ``rated_select`` is a SELECT over any
source of calls, for an INSERT of new records and for an UPDATE of old ones alike.
``rating_reference`` says the same call by call, and explains it.

A source has the columns in ``SOURCE_COLUMNS``. The longest prefix is found by one hash join for each
length that occurs; or, where ``rating_choices`` has been asked about the calls' numbers before, by one alone.
"""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from odoo.tools import SQL

from .rating_reference import BILL_DIGITS

#: what rating reads of a call; ``call_time`` is UTC, ``call_day`` a day of the company's zone
SOURCE_COLUMNS = (
    "call_time",
    "call_day",
    "direction",
    "identifier",
    "destination",
    "withheld",
    "answered",
    "seconds",
    "cost",
)
#: what rating adds to the source's columns
RATED_COLUMNS = (
    "service_id",
    "identifier_id",
    "partner_id",
    "plan_id",
    "rate_id",
    "class_id",
    "band",
    "billed_seconds",
    "amount",
    "currency_id",
    "state",
    "error_code",
    "error_key",
)
#: states in which a service, or what it was, has calls
SERVED_STATES = ("active", "suspended", "terminated")
#: country codes of one and two digits; all others have three
COUNTRY_1 = ("1", "7")
COUNTRY_2 = (
    *("20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46"),
    *("47", "48", "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63"),
    *("64", "65", "66", "81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98"),
)
#: numbers up to this length are short codes and extensions: causes of their own
SHORT_NUMBER = 6


class Prepared(NamedTuple):
    """What ``prepare`` found: the company, its zone and public holidays, the lengths of prefixes that
    occur as ``(length, has rates of time bands)``, longest first, and whether there are bands."""

    company_id: int
    zone: str
    holidays: tuple
    lengths: tuple
    has_bands: bool


# === PREPARATION === #


def prepare(
    cr, company_id: int, zone: str, holidays: Iterable[date], segments: Iterable[tuple]
) -> Prepared:
    """Lay out the numbers, plans and rates of a company in temporary tables of this transaction.

    Plans, rates and services must be flushed. A second call in one transaction takes the place of
    the first.

    :param zone: name of the company's time zone
    :param holidays: public holidays, as days of that zone
    :param segments: ``(plan id, day type, first minute, minute after the last, band id)`` of time
        bands, as ``rating_bands.cut_bands`` gives them
    """
    # Hash tables of all numbers and rates stay in memory; compiling the joins never pays.
    cr.execute(
        "SELECT set_config('jit', 'off', TRUE), CASE"
        " WHEN pg_size_bytes(current_setting('work_mem')) < pg_size_bytes('64MB')"
        " THEN set_config('work_mem', '64MB', TRUE) END"
    )
    cr.execute(
        "DROP TABLE IF EXISTS cdr_rating_number, cdr_rating_plan, cdr_rating_band, cdr_rating_rate"
    )
    cr.execute(_numbers_sql(company_id))
    cr.execute(_plans_sql(company_id))
    cr.execute(_rates_sql(company_id))
    segments = list(segments)
    cr.execute(
        SQL(
            """
            CREATE TEMPORARY TABLE cdr_rating_band ON COMMIT DROP AS
            SELECT segment.*, band.name
              FROM unnest(%s::int[], %s::int[], %s::int[], %s::int[], %s::int[])
                   AS segment (plan_id, day_type, minute_from, minute_to, band_id)
              JOIN cdr_rate_band AS band ON band.id = segment.band_id
            """,
            *(map(list, zip(*segments, strict=True)) if segments else [[]] * 5),
        )
    )
    cr.execute("CREATE INDEX ON cdr_rating_rate (length)")
    cr.execute("ANALYZE cdr_rating_number, cdr_rating_plan, cdr_rating_band, cdr_rating_rate")
    cr.execute(
        "SELECT length, bool_or(band_id > 0) FROM cdr_rating_rate GROUP BY length ORDER BY length DESC"
    )
    return Prepared(company_id, zone, tuple(holidays), tuple(cr.fetchall()), bool(segments))


def _numbers_sql(company_id):
    """The days on which each number belongs to a service, with the terms of those days.

    Days that no past version covers are the service's own.
    """
    return SQL(
        """
        CREATE TEMPORARY TABLE cdr_rating_number ON COMMIT DROP AS
        WITH past AS (
            SELECT version.service_id, min(version.date_from) AS first, max(version.date_to) AS last
              FROM billing_service_version AS version
             WHERE version.company_id = %(company)s
             GROUP BY version.service_id
        ), term AS (
            SELECT version.service_id, version.date_from, version.date_to, version.partner_id,
                   version.tariff_id
              FROM billing_service_version AS version
             WHERE version.company_id = %(company)s
             UNION ALL
            SELECT service.id, past.last, NULL, service.partner_id, service.tariff_id
              FROM billing_service AS service
              LEFT JOIN past ON past.service_id = service.id
             WHERE service.company_id = %(company)s
             UNION ALL
            SELECT service.id, NULL, past.first, service.partner_id, service.tariff_id
              FROM billing_service AS service
              JOIN past ON past.service_id = service.id
             WHERE service.company_id = %(company)s
        ), found AS (
            SELECT identifier.usage_key,
                   GREATEST(identifier.date_from, service.date_start, term.date_from) AS date_from,
                   COALESCE(LEAST(identifier.date_to, service.date_end, term.date_to),
                            'infinity') AS date_to,
                   service.id AS service_id,
                   identifier.id AS identifier_id,
                   term.partner_id,
                   service.currency_id,
                   term.tariff_id,
                   COALESCE(service.rate_plan_id, tariff.rate_plan_id) AS main_plan_id,
                   COALESCE(service.incoming_rate_plan_id, tariff.incoming_rate_plan_id)
                       AS incoming_plan_id
              FROM billing_service_identifier AS identifier
              JOIN billing_service AS service ON service.id = identifier.service_id
              JOIN term ON term.service_id = service.id
              JOIN billing_tariff AS tariff ON tariff.id = term.tariff_id
             WHERE identifier.company_id = %(company)s
               AND service.state IN %(states)s
        )
        SELECT found.usage_key, found.date_from, found.date_to, found.service_id,
               found.identifier_id, found.partner_id, found.currency_id, found.tariff_id,
               main.id AS plan_out,
               COALESCE(found.incoming_plan_id,
                        CASE WHEN main.direction = 'both' THEN main.id END) AS plan_in
          FROM found
          LEFT JOIN cdr_rate_plan AS main ON main.id = found.main_plan_id
         WHERE found.date_from < found.date_to
        """,
        company=company_id,
        states=SERVED_STATES,
    )


def _plans_sql(company_id):
    return SQL(
        """
        CREATE TEMPORARY TABLE cdr_rating_plan ON COMMIT DROP AS
        SELECT id, currency_id, unanswered, withheld,
               CASE WHEN rounding = 'call' THEN rounding_digits ELSE %s END AS digits
          FROM cdr_rate_plan
         WHERE company_id = %s
        """,
        BILL_DIGITS,
        company_id,
    )


def _rates_sql(company_id):
    return SQL(
        """
        CREATE TEMPORARY TABLE cdr_rating_rate ON COMMIT DROP AS
        SELECT id, plan_id, prefix, length(prefix) AS length, COALESCE(band_id, 0) AS band_id,
               date_from, COALESCE(date_to, 'infinity') AS date_to, class_id,
               COALESCE(connect_fee, 0) AS connect_fee, COALESCE(price_minute, 0) AS price_minute,
               initial_seconds, step_seconds, COALESCE(minimum, 0) AS minimum
          FROM cdr_rate
         WHERE company_id = %s
         ORDER BY length(prefix), plan_id, prefix
        """,
        company_id,
    )


# === RATING === #


def rated_select(source: SQL, prepared: Prepared, *, chosen: bool = False) -> SQL:
    """Return a SELECT of the source's columns and those in ``RATED_COLUMNS``.

    A call that cannot be rated comes with the state ``error``, its code, and the key that tells causes
    of one code apart. An incoming call that no plan covers and that costs nothing is ``ignored``,
    without a code.

    :param source: a SELECT with the columns in ``SOURCE_COLUMNS`` and others, none of them called
        like those that are added
    :param chosen: the source has a column ``start_id`` as well, and ``rating_choices`` knows all of them
    """
    return SQL(
        """
        SELECT priced.*,
               CASE WHEN priced.cause IS NULL THEN 'rated'
                    WHEN priced.cause = 'not_charged' THEN 'ignored'
                    ELSE 'error' END AS state,
               NULLIF(priced.cause, 'not_charged') AS error_code,
               CASE priced.cause
                    WHEN 'unknown_number' THEN priced.identifier
                    WHEN 'number_inactive' THEN priced.identifier
                    WHEN 'no_rate_plan' THEN concat(priced.cause_tariff_id, ':', priced.direction)
                    WHEN 'currency_mismatch' THEN concat(priced.plan_id, ':', priced.service_id)
                    WHEN 'no_rate' THEN concat(priced.plan_id, ':', %(destination_cause)s)
                    END AS error_key
          FROM (
            SELECT matched.*,
                   CASE WHEN matched.cause IS NOT NULL THEN NULL
                        WHEN matched.is_free OR matched.is_connect THEN 0
                        ELSE matched.timed_seconds END AS billed_seconds,
                   CASE WHEN matched.cause IS NOT NULL THEN NULL
                        WHEN matched.is_free THEN 0
                        WHEN matched.is_connect THEN round(matched.connect_fee, matched.digits)
                        ELSE round(GREATEST(matched.connect_fee
                                 + (matched.price_minute * matched.timed_seconds)::numeric(40, 16)
                                   / 60,
                                 matched.minimum), matched.digits) END AS amount
              FROM (%(matched)s) AS matched
          ) AS priced
        """,
        destination_cause=_destination_cause(SQL("priced.destination")),
        matched=_matched_select(source, prepared, chosen),
    )


def _matched_select(source, prepared, chosen):
    """Each call with its number, plan, band and rate, and what keeps it from being rated."""
    found_rate = _choice_join(prepared) if chosen else _rate_joins(prepared)
    return SQL(
        """
        SELECT found.*,
               %(more)s
               CASE WHEN found.seconds <= %(rate)s.initial_seconds THEN %(rate)s.initial_seconds
                    ELSE %(rate)s.initial_seconds + (found.seconds - %(rate)s.initial_seconds
                         + %(rate)s.step_seconds - 1) / %(rate)s.step_seconds * %(rate)s.step_seconds
                    END AS timed_seconds,
               CASE
                    WHEN found.service_id IS NULL THEN
                        CASE WHEN found.identifier IN (
                            SELECT usage_key FROM billing_service_identifier
                             WHERE company_id = %(company)s AND usage_key IS NOT NULL)
                        THEN 'number_inactive' ELSE 'unknown_number' END
                    WHEN found.plan_id IS NULL THEN
                        CASE WHEN found.direction = 'in' AND COALESCE(found.cost, 0) = 0
                        THEN 'not_charged' ELSE 'no_rate_plan' END
                    WHEN found.plan_currency_id <> found.currency_id THEN 'currency_mismatch'
                    WHEN found.rate_id IS NULL AND NOT found.is_free THEN 'no_rate'
                    END AS cause
          FROM (
            SELECT source.*,
                   number.service_id, number.identifier_id, number.partner_id, number.currency_id,
                   number.tariff_id AS cause_tariff_id,
                   plan.id AS plan_id, plan.currency_id AS plan_currency_id, plan.digits,
                   (source.withheld IS TRUE AND plan.withheld = 'free')
                       OR (source.answered IS NOT TRUE AND plan.unanswered = 'free') AS is_free,
                   source.answered IS NOT TRUE AND plan.unanswered = 'connect' AS is_connect,
                   %(band_name)s AS band,
                   %(found)s
              FROM (%(source)s) AS source
              LEFT JOIN cdr_rating_number AS number
                ON number.usage_key = source.identifier
               AND source.call_day >= number.date_from AND source.call_day < number.date_to
              LEFT JOIN cdr_rating_plan AS plan
                ON plan.id = CASE WHEN source.direction = 'in' THEN number.plan_in
                                  ELSE number.plan_out END
              %(band_join)s
              %(joins)s
          ) AS found
          %(rate_join)s
        """,
        company=prepared.company_id,
        band_name=SQL("band.name") if prepared.has_bands else SQL("NULL::varchar"),
        band_join=_band_join(prepared),
        source=source,
        **found_rate,
    )


def _rate_joins(prepared):
    """The joins by prefix, one for each length and kind of rate that occurs; of the ids that they
    find the best one counts."""
    joins, choices = [], []
    for length, banded in prepared.lengths:
        for of_band in (True, False) if banded else (False,):
            alias = SQL.identifier(f"rate_{length}_{'band' if of_band else 'all'}")
            joins.append(
                SQL(
                    """
                    LEFT JOIN cdr_rating_rate AS %(alias)s
                      ON %(alias)s.length = %(length)s
                     AND %(alias)s.plan_id = plan.id
                     AND %(alias)s.prefix = left(source.destination, %(length)s)
                     AND %(alias)s.band_id = %(band)s
                     AND source.call_day >= %(alias)s.date_from
                     AND source.call_day < %(alias)s.date_to
                    """,
                    alias=alias,
                    length=length,
                    band=SQL("band.band_id") if of_band else SQL("0"),
                )
            )
            choices.append(SQL("%s.id", alias))
    best = SQL("COALESCE(%s)", SQL(", ").join(choices)) if choices else SQL("NULL::int")
    return {
        "joins": SQL(" ").join(joins),
        "found": SQL(
            "CASE WHEN plan.currency_id = number.currency_id THEN %s END AS rate_id", best
        ),
        "rate_join": SQL("LEFT JOIN cdr_rating_rate AS rate ON rate.id = found.rate_id"),
        "rate": SQL("rate"),
        "more": SQL("rate.class_id, rate.connect_fee, rate.price_minute, rate.minimum,"),
    }


def _choice_join(prepared):
    """The join that finds the rate of a call's start, with what it says."""
    join = SQL(
        """
        LEFT JOIN cdr_rating_choice AS choice
          ON choice.start_id = source.start_id
         AND choice.plan_id = plan.id
         AND choice.call_band_id = %s
         AND source.destination IS NOT NULL
         AND plan.currency_id = number.currency_id
         AND source.call_day >= choice.date_from
         AND source.call_day < choice.date_to
        """,
        SQL("COALESCE(band.band_id, 0)") if prepared.has_bands else SQL("0"),
    )
    columns = SQL(
        "choice.id AS rate_id, choice.class_id, choice.connect_fee, choice.price_minute,"
        " choice.minimum, choice.initial_seconds, choice.step_seconds"
    )
    return {
        "joins": join, "found": columns, "rate_join": SQL(""), "rate": SQL("found"), "more": SQL("")
    }  # fmt: skip


def _band_join(prepared):
    """The band in which a call begins, by the clock of the company's zone."""
    if not prepared.has_bands:
        return SQL("")
    return SQL(
        """
        CROSS JOIN LATERAL (
            SELECT source.call_time AT TIME ZONE 'UTC' AT TIME ZONE %s AS moment
        ) AS local
        LEFT JOIN cdr_rating_band AS band
          ON band.plan_id = plan.id
         AND band.day_type = extract(isodow FROM local.moment)::int - 1
             + CASE WHEN local.moment::date = ANY(%s::date[]) THEN 7 ELSE 0 END
         AND extract(hour FROM local.moment) * 60 + extract(minute FROM local.moment)
             >= band.minute_from
         AND extract(hour FROM local.moment) * 60 + extract(minute FROM local.moment)
             < band.minute_to
        """,
        prepared.zone,
        list(prepared.holidays),
    )


def _destination_cause(destination):
    """What tells missing rates of a plan apart: the country code, or the whole of a short number."""
    return SQL(
        """
        CASE WHEN length(%(destination)s) <= %(short)s OR %(destination)s !~ '^[0-9]'
             THEN %(destination)s
             WHEN left(%(destination)s, 1) IN %(one)s THEN left(%(destination)s, 1)
             WHEN left(%(destination)s, 2) IN %(two)s THEN left(%(destination)s, 2)
             ELSE left(%(destination)s, 3) END
        """,
        destination=destination,
        short=SHORT_NUMBER,
        one=COUNTRY_1,
        two=COUNTRY_2,
    )
