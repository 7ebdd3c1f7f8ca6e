"""Cron expressions as Kubeflow reads them: six fields, seconds first, in UTC by default."""

import re
from datetime import UTC, datetime, timedelta
from itertools import islice

from cronsim import CronSim, CronSimError

from mtlser.errors import MtlserError

FIELDS = ("second", "minute", "hour", "day-of-month", "month", "day-of-week")
HINT = 'for example --cron "0 0 3 * * 1" (Mondays at 03:00)'
ITEM = re.compile(r"(\*|\?|\w+(-\w+)?)(/\d+)?")
VALUE = re.compile(r"\d+|[A-Za-z]{3}")


def check(expression: str) -> str:
    """The expression with single blanks.

    Kubeflow's parser (github.com/robfig/cron, version 1) also takes five fields and guesses the
    sixth, and knows neither `L`, `W`, `#` nor a seventh day of the week: all are refused here.

    >>> check("0  0 3 * * MON")
    '0 0 3 * * MON'

    Raises:
        MtlserError: not six fields, a field that Kubeflow does not read, or a day that never comes.
    """
    _simulated(expression, datetime.now(UTC))
    return " ".join(expression.split())


def next_run(expression: str, after: datetime) -> datetime:
    """The first moment later than `after`, in its time zone.

    >>> next_run("0 30 4 1 * ?", datetime(2026, 1, 15, tzinfo=UTC)).isoformat()
    '2026-02-01T04:30:00+00:00'

    Raises:
        MtlserError: as `check`.
    """
    return next(_simulated(expression, after))


def last_run(expression: str, after: datetime, before: datetime) -> datetime | None:
    """The last moment later than `after` and not later than `before`; `None`: there is none.

    Raises:
        MtlserError: as `check`.
    """
    moment = next(_simulated(expression, before + timedelta(seconds=1), reverse=True))
    return moment if moment > after else None


def next_runs(expression: str, count: int) -> list[datetime]:
    """The next moments from now on, in UTC.

    Raises:
        MtlserError: as `check`.
    """
    return list(islice(_simulated(expression, datetime.now(UTC)), count))


def _simulated(expression: str, start: datetime, *, reverse: bool = False) -> CronSim:
    fields = expression.split()
    if len(fields) != len(FIELDS):
        raise MtlserError(
            f"--cron {expression!r}: {len(fields)} fields; expected six ({' '.join(FIELDS)}), "
            f"{HINT}"
        )
    for name, field in zip(FIELDS, fields, strict=True):
        if not all(_known(name, item) for item in field.split(",")):
            raise MtlserError(
                f"--cron {expression!r}: {name} is {field!r}; expected numbers (day-of-week 0-6, "
                f"0 is Sunday), names, `*`, `-`, `/` and `,`, {HINT}"
            )
    try:
        return CronSim(" ".join(fields).replace("?", "*"), start, reverse)
    except CronSimError as error:
        raise MtlserError(
            f"--cron {expression!r}: {str(error).lower()}; expected {' '.join(FIELDS)}, {HINT}"
        ) from None


def _known(name: str, item: str) -> bool:
    if not ITEM.fullmatch(item):
        return False
    ends = [end for end in item.partition("/")[0].split("-") if end not in {"*", "?"}]
    named = name in {"month", "day-of-week"}
    return all(
        VALUE.fullmatch(end)
        and (named or end.isdigit())
        and not (name == "day-of-week" and end.isdigit() and int(end) > 6)
        for end in ends
    )
