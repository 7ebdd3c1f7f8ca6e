"""What of a server's schedules and runs is late: looked at once, by somebody who looks again.

Nothing is remembered from look to look. Whoever looks every so many seconds and gives that number
hears of each lateness once.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from kfp_server_api import V2beta1RecurringRun, V2beta1Run

from mtlser.errors import MtlserError
from mtlser.tracking import webhook
from pipeline.server import cron, runs, schedule
from pipeline.server.connection import Server

LOOKED_AT = 200
"""The last runs that are looked at."""
BACK = timedelta(days=400)
"""How far back a schedule's last due time is looked for."""


class Late(webhook.Message):
    """A schedule that did not fire, or a run that waits."""

    kind: Literal["schedule", "run"]
    name: str
    id: str
    what: str
    """What was due, or what it waits for."""
    since: str
    """ISO 8601, UTC: when it was due, or since when it waits."""
    late_s: float

    @property
    def text(self) -> str:
        """One message for people."""
        return f"mtlser {self.kind} {self.name}: {self.what} (since {self.since}; id {self.id})"


def late(server: Server, late_s: float, new_s: float, now: datetime) -> list[Late]:
    """What is late by `late_s` seconds or more.

    Args:
        server: where to look.
        late_s: what is late by less is not told.
        new_s: of that, only what was not yet late so many seconds ago; 0: all.
        now: the moment of the look, with a time zone.
    """
    recent = runs.recent(server, LOOKED_AT)
    planned, due = schedule.every(server), now - timedelta(seconds=late_s)
    found = [*_schedules(planned, recent, due, now), *_runs(server, recent, now)]
    most = late_s + new_s if new_s else float("inf")
    return [each for each in found if late_s <= each.late_s < most]


def _schedules(
    planned: Sequence[V2beta1RecurringRun],
    recent: Sequence[V2beta1Run],
    before: datetime,
    now: datetime,
) -> Iterator[Late]:
    """Yields active schedules of which no run was made since they were last due before a time."""
    for each in planned:
        expression = schedule.cron_of(each)
        if not schedule.is_active(each) or not expression:
            continue
        due = last_due(expression, max(now - BACK, each.created_at), before)
        own = [run for run in recent if run.recurring_run_id == each.recurring_run_id]
        if due is None or any(run.created_at >= due for run in own):
            continue
        going = [run for run in own if run.state not in runs.FINAL]
        what = "did not fire" + (f", as run {going[0].run_id} goes on" if going else "")
        yield _late("schedule", each.display_name, each.recurring_run_id, what, due, now)


def last_due(expression: str, after: datetime, now: datetime) -> datetime | None:
    """The last moment of a cron expression between two; `None`: there is none, or it is unknown.

    >>> from datetime import UTC, datetime
    >>> after, now = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 15, tzinfo=UTC)
    >>> last_due("0 0 3 * * 1", after, now).isoformat()
    '2026-01-12T03:00:00+00:00'
    >>> last_due("0 0 3 1 6 *", after, now)
    """
    try:
        return cron.last_run(expression, after, now)
    except MtlserError:
        return None


def _runs(server: Server, recent: Sequence[V2beta1Run], now: datetime) -> Iterator[Late]:
    """Yields runs that have not begun, and runs with a step whose pod waits while none runs."""
    for each in recent:
        if each.state in runs.FINAL:
            continue
        name, key = each.display_name, each.run_id
        if each.state in {None, "PENDING", "RUNTIME_STATE_UNSPECIFIED"}:
            yield _late("run", name, key, "has not begun", each.created_at, now)
            continue
        tasks = runs.tasks(server.get_run(key))
        for task in tasks:
            if task.state == "PENDING" and task.started is not None:
                yield _late("run", name, key, f"{task.name} waits for a node", task.started, now)


def _late(
    kind: Literal["schedule", "run"], name: str, key: str, what: str, since: datetime, now: datetime
) -> Late:
    return Late(
        kind=kind,
        name=name,
        id=key,
        what=what,
        since=since.astimezone(UTC).isoformat(timespec="seconds"),
        late_s=(now - since).total_seconds(),
    )
