"""What a server's runs and schedules look like: one table or one JSON document."""

from datetime import UTC, datetime
from typing import Any

from kfp_server_api import V2beta1RecurringRun, V2beta1Run
from rich.table import Table

from mtlser.errors import MtlserError
from pipeline.server import cron, schedule
from pipeline.server.runs import Task, seconds, tasks


def of_run(run: V2beta1Run) -> dict[str, Any]:
    """One run as JSON-ready values."""
    started, finished = run.created_at, run.finished_at
    return {
        "id": run.run_id,
        "name": run.display_name,
        "state": run.state or "PENDING",
        "started": _iso(started),
        "finished": _iso(finished),
        "duration_s": seconds(started, finished),
        "schedule_id": run.recurring_run_id or None,
    }


def of_task(task: Task) -> dict[str, Any]:
    """One step as JSON-ready values."""
    return {
        "name": task.name,
        "state": task.state,
        "started": _iso(task.started),
        "finished": _iso(task.finished),
        "duration_s": seconds(task.started, task.finished),
        "error": task.error or None,
        "pods": list(task.pods),
    }


def of_schedule(run: V2beta1RecurringRun) -> dict[str, Any]:
    """One schedule as JSON-ready values.

    `next` is in UTC, the clock of Kubeflow's controller unless its installation says otherwise.
    """
    expression = schedule.cron_of(run)
    active = schedule.is_active(run)
    reference = run.pipeline_version_reference
    return {
        "id": run.recurring_run_id,
        "name": run.display_name,
        "state": "ACTIVE" if active else "PAUSED",
        "cron": expression,
        "next": _iso(_next(expression)) if expression and active else None,
        "version": (reference.pipeline_version_id if reference else None) or "latest",
        "description": run.description or "",
    }


def details(run: V2beta1Run) -> dict[str, Any]:
    """One run with its steps as JSON-ready values."""
    error = run.error.message if run.error else None
    return {**of_run(run), "error": error, "tasks": [of_task(task) for task in tasks(run)]}


def runs_table(rows: list[dict[str, Any]]) -> Table:
    """Runs, one a row."""
    table = _table("Runs", "name", "state", "started", "took", "id")
    for row in rows:
        took = _took(row["duration_s"])
        table.add_row(row["name"], row["state"].lower(), _clock(row["started"]), took, row["id"])
    return table


def schedules_table(rows: list[dict[str, Any]]) -> Table:
    """Schedules, one a row."""
    table = _table("Schedules", "name", "state", "cron", "next (UTC)", "version")
    for row in rows:
        state, expression = row["state"].lower(), row["cron"] or "every so often"
        table.add_row(row["name"], state, expression, _clock(row["next"]), row["version"])
    return table


def tasks_table(rows: list[dict[str, Any]]) -> Table:
    """Steps of a run, one a row."""
    table = _table("Steps", "step", "state", "started", "took", "error")
    for row in rows:
        took = _took(row["duration_s"])
        error = row["error"] or ""
        table.add_row(row["name"], row["state"].lower(), _clock(row["started"]), took, error)
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in {"state", "took", "cron"})
    return table


def _next(expression: str) -> datetime | None:
    try:
        return cron.next_run(expression, datetime.now(UTC))
    except MtlserError:
        return None


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment else None


def _clock(moment: str | None) -> str:
    return moment[:16].replace("T", " ") if moment else "-"


def _took(duration_s: float | None) -> str:
    """Hours, minutes, seconds.

    >>> _took(3725)
    '1:02:05'
    """
    if duration_s is None:
        return "-"
    minutes, rest = divmod(int(duration_s), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
