"""Figures of the platform in Prometheus' text format: Kubeflow's, MLflow's and S3's.

Each source that cannot be reached is left out and counted: `mtlser_source_up` is 0 then, so that an
alert tells of it and the figures of the others are there.
"""

import logging
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from mtlser import tracking
from mtlser.errors import MtlserError
from mtlser.registry import figures
from mtlser.storage.s3 import files as s3_files

if TYPE_CHECKING:
    from pipeline.server.connection import Server

LAST_DAYS = 7
"""Runs of the last so many days are looked at for failed steps."""
MOST_RUNS = 200
"""Of these the newest, since each is asked for by itself."""

log = logging.getLogger(__name__)


def text(server: "Server | None", places: list[str]) -> str:
    """All figures, one line each.

    Args:
        server: Kubeflow Pipelines; `None`: none is named.
        places: `s3://` addresses whose size is told.
    """
    registry = CollectorRegistry()
    up = Gauge("mtlser_source_up", "1 where the source answered.", ["source"], registry=registry)
    sources: dict[str, Callable[[], None]] = {}
    if server is not None:
        sources["kubeflow"] = lambda: _kubeflow(server, registry)
    if tracking.tracked():
        sources["mlflow"] = lambda: _mlflow(tracking.uri(), registry)
    if places:
        sources["s3"] = lambda: _s3(places, registry)
    for name, gather in sources.items():
        try:
            gather()
        except MtlserError as error:
            log.warning("%s: %s", name, error)
            up.labels(name).set(0)
        else:
            up.labels(name).set(1)
    return generate_latest(registry).decode()


def _kubeflow(server: "Server", registry: CollectorRegistry) -> None:
    from pipeline.server import runs, schedule

    after = datetime.now(UTC) - timedelta(days=LAST_DAYS)
    listed = runs.recent(server, MOST_RUNS)
    names = {each.recurring_run_id: each.display_name for each in schedule.every(server)}
    active = Gauge(
        "mtlser_schedule_active", "1 where a schedule starts runs.", ["schedule"], registry=registry
    )
    for each in schedule.every(server):
        active.labels(each.display_name).set(schedule.is_active(each))
    ended = Gauge(
        "mtlser_schedule_last_end_timestamp_seconds",
        f"When the last run of a schedule ended in this state, of the last {MOST_RUNS} runs.",
        ["schedule", "state"],
        registry=registry,
    )
    for run in reversed(listed):
        if run.recurring_run_id in names and run.finished_at and run.state:
            moment = run.finished_at.timestamp()
            ended.labels(names[run.recurring_run_id], run.state).set(moment)
    failed = Gauge(
        "mtlser_failed_steps", f"Steps that failed in the last {LAST_DAYS} days.", ["step"],
        registry=registry,
    )  # fmt: skip
    recent = [run for run in listed if run.created_at and run.created_at >= after]
    broken = [server.get_run(run.run_id) for run in recent if run.state == "FAILED"]
    counted = Counter(step for run in broken for step in runs.failed(run))
    for step, count in counted.items():
        failed.labels(step).set(count)


def _mlflow(uri: str, registry: CollectorRegistry) -> None:
    label = ["experiment"]
    still = Gauge(
        "mtlser_open_runs", "Pipeline runs that have not ended.", label, registry=registry
    )
    began = Gauge(
        "mtlser_oldest_open_run_start_timestamp_seconds",
        "When the first of these began.", label, registry=registry,
    )  # fmt: skip
    ended = Gauge(
        "mtlser_last_run_end_timestamp_seconds",
        "When the last pipeline run ended in this state.", [*label, "state"], registry=registry,
    )  # fmt: skip
    for runs in figures.pipeline_runs(uri):
        still.labels(runs.experiment).set(runs.open)
        if runs.oldest_open_s is not None:
            began.labels(runs.experiment).set(runs.oldest_open_s)
        for state, moment in runs.last_end_s.items():
            ended.labels(runs.experiment, state).set(moment)
    version = Gauge(
        "mtlser_champion_version", "Number of the champion.", ["model"], registry=registry
    )
    since = Gauge(
        "mtlser_champion_since_timestamp_seconds",
        "When it became champion.", ["model"], registry=registry,
    )  # fmt: skip
    for champion in figures.present_champions(uri):
        version.labels(champion.model).set(champion.version)
        if champion.since_s is not None:
            since.labels(champion.model).set(champion.since_s)


def _s3(places: list[str], registry: CollectorRegistry) -> None:
    size = Gauge("mtlser_s3_bytes", "Bytes at a place.", ["place"], registry=registry)
    count = Gauge("mtlser_s3_objects", "Objects at a place.", ["place"], registry=registry)
    for place in places:
        objects, length = s3_files.occupied(place)
        count.labels(place).set(objects)
        size.labels(place).set(length)
