"""Six-field cron expressions, against Kubeflow's rules and dates worked out by hand."""

from datetime import UTC, datetime

import pytest

from mtlser.errors import MtlserError
from pipeline.server import cron

TUESDAY = datetime(2026, 11, 24, 22, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "then"),
    [
        ("0 0 3 * * 1", "2026-11-30T03:00:00"),
        ("0 0 3 * * MON", "2026-11-30T03:00:00"),
        ("0 0 3 ? * MON-FRI", "2026-11-25T03:00:00"),
        ("0 0/10 * * * ?", "2026-11-24T22:10:00"),
        ("30 * * * * *", "2026-11-24T22:00:30"),
        ("0 0 0 29 2 *", "2028-02-29T00:00:00"),
        ("0 0 12 1,15 * *", "2026-12-01T12:00:00"),
        ("0 0 0 13 * 5", "2026-11-27T00:00:00"),
        ("0 0 23 * * 0,6", "2026-11-28T23:00:00"),
    ],
)
def test_the_next_run(expression: str, then: str) -> None:
    assert cron.check(expression) == expression
    assert cron.next_run(expression, TUESDAY).isoformat() == f"{then}+00:00"


@pytest.mark.parametrize(
    ("expression", "outcome"),
    [
        ("0 3 * * 1", "5 fields; expected six"),
        ("", "0 fields"),
        ("@weekly", "1 fields"),
        ("0 0 3 * * 7", "day-of-week is '7'"),
        ("0 0 3 * * 1-7", "day-of-week is '1-7'"),
        ("0 0 3 L * *", "day-of-month is 'L'"),
        ("0 0 3 LW * *", "day-of-month is 'LW'"),
        ("0 0 3 * * MON#2", "day-of-week is 'MON#2'"),
        ("60 0 3 * * 1", "bad second"),
        ("0 0 24 * * 1", "bad hour"),
        ("0 0 3 * * FRY", "bad day-of-week"),
        ("0 0 3 30 2 *", "bad day-of-month"),
        ("0 0 3 5-1 * *", "bad day-of-month"),
        ("0 */0 3 * * *", "bad minute"),
        ("0 0 3 JAN * *", "day-of-month is 'JAN'"),
    ],
)
def test_what_kubeflow_would_not_read(expression: str, outcome: str) -> None:
    with pytest.raises(MtlserError, match=r"^--cron ") as caught:
        cron.check(expression)
    assert outcome in str(caught.value)
    assert "for example --cron" in str(caught.value)
