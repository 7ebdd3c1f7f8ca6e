"""Old runs on a Kubeflow Pipelines server: found, and deleted when asked.

A run goes that is of one of our DAGs and has ended. Kubeflow 2.17 deletes with it what it remembers
of its finished steps (`tasks`, by a foreign key): later runs do not reuse them. Artifacts on S3 and
runs in MLflow stay.
"""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import datetime

from kfp_server_api import V2beta1Run

from mtlser.errors import MtlserError
from pipeline.dags import DAGS
from pipeline.dags.place import PIPELINE
from pipeline.server import runs
from pipeline.server.connection import Server, ServerError
from pipeline.server.versions import pipeline_id


@dataclass(frozen=True)
class OldRun:
    """A run that ended long ago."""

    id: str
    name: str
    state: str
    ended: datetime
    is_needed: bool
    """Whether a model in use came from it: it stays."""


def find(
    server: Server, before: datetime, needed: Set[str], experiment: str | None = None
) -> list[OldRun]:
    """Our runs that ended before a time, the first to end first.

    Args:
        server: where to look.
        before: with a time zone.
        needed: ids of runs that stay.
        experiment: id of the only one to look at; `None`: all.

    Raises:
        MtlserError: the server is away or refuses.
    """
    names = (f"mtlser-{dag}" for dag in DAGS)
    pipelines = {pipeline_id(server, name) for name in names} - {None}
    listed = runs.pages(
        server.list_runs, "runs", namespace=server.namespace, experiment_id=experiment
    )
    return sorted(_old(listed, before, needed, pipelines), key=lambda each: (each.ended, each.id))


def experiment_id(server: Server, name: str) -> str:
    """Id of an experiment that is there.

    Raises:
        MtlserError: there is none of that name.
    """
    listed = runs.pages(
        server.list_experiments,
        "experiments",
        namespace=server.namespace,
        filter=runs.named(name),
    )
    for each in listed:
        if each.display_name == name:
            return str(each.experiment_id)
    raise MtlserError(f"--experiment {name!r}: Kubeflow has none; leave it out for all")


def _old(
    listed: Iterator[V2beta1Run], before: datetime, needed: Set[str], pipelines: Set[str | None]
) -> Iterator[OldRun]:
    for run in listed:
        ended = runs.ended(run)
        if ended is not None and ended < before and _is_ours(run, pipelines):
            yield OldRun(
                id=run.run_id,
                name=run.display_name,
                state=run.state,
                ended=ended,
                is_needed=run.run_id in needed,
            )


def _is_ours(run: V2beta1Run, pipelines: Set[str | None]) -> bool:
    """Whether a run is of one of our DAGs: sent whole, or a version of a pipeline there."""
    reference = run.pipeline_version_reference
    if reference is not None and reference.pipeline_id in pipelines:
        return True
    spec = run.pipeline_spec or {}
    info = spec.get("pipeline_spec", spec).get("pipelineInfo") or {}
    return bool(info.get("name") == PIPELINE)


def delete(server: Server, old: OldRun) -> None:
    """Deletes a run; one that is gone already is fine.

    Raises:
        MtlserError: the server is away or refuses.
    """
    try:
        server.delete_run(old.id)
    except ServerError as error:
        if error.status != 404:
            raise
