"""DAGs as pipelines on a Kubeflow Pipelines server, one version for each content."""

import re
import tempfile
from pathlib import Path

import kfp_server_api as api
from kfp_server_api import V2beta1PipelineVersion

from mtlser.errors import MtlserError
from pipeline.server.connection import Server, ServerError
from pipeline.server.packages import Package
from pipeline.server.runs import named, pages, quiet


def pipeline(server: Server, dag: str) -> str:
    """Id of the DAG's pipeline on the server, made where there is none."""
    name = f"mtlser-{dag}"
    known_id = pipeline_id(server, name)
    if known_id:
        return known_id
    body = api.V2beta1Pipeline(
        name=name,
        display_name=name,
        description=f"The {dag} DAG of mtlser",
        namespace=server.namespace or None,
    )
    try:
        return str(server.pipelines.pipeline_service_create_pipeline(pipeline=body).pipeline_id)
    except ServerError as error:
        if error.status != 409:
            raise
        return pipeline_id(server, name) or ""


def pipeline_id(server: Server, name: str) -> str | None:
    """Id of the pipeline of that name; `None`: there is none."""
    known = pages(
        server.list_pipelines,
        "pipelines",
        namespace=server.namespace or None,
        filter=named(name),
    )
    return next((each.pipeline_id for each in known if each.display_name == name), None)


def versions(server: Server, pipeline_id: str) -> list[V2beta1PipelineVersion]:
    """Versions of a pipeline, newest first."""
    return list(
        pages(
            server.list_pipeline_versions,
            "pipeline_versions",
            pipeline_id=pipeline_id,
            sort_by="created_at desc",
        )
    )


def find(server: Server, dag: str, name: str) -> V2beta1PipelineVersion:
    """The version of that name of the DAG's pipeline; makes nothing.

    Raises:
        MtlserError: there is none; the sentence lists the newest.
    """
    key = pipeline_id(server, f"mtlser-{dag}")
    there = versions(server, key) if key else []
    for each in there:
        if each.display_name == name:
            return each
    newest = ", ".join(str(each.display_name) for each in there[:5]) or "none yet"
    raise MtlserError(
        f"--version {name}: no such version of mtlser-{dag}; expected latest, current or one of "
        f"the server's (newest: {newest})"
    )


def upload(server: Server, pipeline_id: str, package: Package, *, latest: bool) -> tuple[str, bool]:
    """Id of the version that holds the package, and whether it had to be uploaded.

    Args:
        server: where to.
        pipeline_id: of which pipeline.
        package: the DAG.
        latest: whether it has to be the newest version; an older one is then uploaded again.
    """
    own = re.compile(rf"{re.escape(package.version)}(-\d+)?")
    there = versions(server, pipeline_id)
    same = [each for each in there if own.fullmatch(str(each.display_name))]
    if same and (not latest or same[0] is there[0]):
        return str(same[0].pipeline_version_id), False
    name = package.version if not same else f"{package.version}-{len(same) + 1}"
    with tempfile.TemporaryDirectory(prefix="mtlser-") as folder, quiet():
        path = package.write(Path(folder))
        uploaded = server.upload_pipeline_version(str(path), name, pipeline_id=pipeline_id)
    return str(uploaded.pipeline_version_id), True
