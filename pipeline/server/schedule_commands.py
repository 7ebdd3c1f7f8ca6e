"""The `schedule` command: a DAG again and again on a Kubeflow Pipelines server."""

from typing import TYPE_CHECKING, Any

import typer

from mtlser.errors import MtlserError
from mtlser.recipe import Recipe
from pipeline.server.options import (
    EXPERIMENT,
    AsJson,
    Experiment,
    Image,
    Profile,
    Rival,
    ServiceAccount,
    Sets,
    console,
    image_of,
    load,
    print_json,
)
from pipeline.server.schedule_options import (
    CatchUp,
    Cron,
    Dag,
    Delete,
    ItsRecipe,
    Listed,
    Name,
    Pause,
    Resume,
    Version,
)

if TYPE_CHECKING:
    from pipeline.server.connection import Server
    from pipeline.server.packages import Package

NEXT = 5
"""Runs that are foretold."""
OWN = frozenset({"latest", "current"})
"""Versions that are made of this code."""


def schedule(  # noqa: PLR0913, PLR0917 - one parameter an option
    name: Name = None,
    cron: Cron = None,
    recipe: ItsRecipe = None,
    sets: Sets = None,
    dag: Dag = "retrain",
    rival: Rival = None,
    version: Version = "latest",
    image: Image = None,
    profile: Profile = "gpu",
    experiment: Experiment = EXPERIMENT,
    service_account: ServiceAccount = None,
    catch_up: CatchUp = False,
    listed: Listed = False,
    delete: Delete = None,
    pause: Pause = None,
    resume: Resume = None,
    as_json: AsJson = False,
) -> None:
    """Run a DAG again and again, one run at a time; the same name is replaced, never doubled."""
    chosen = [listed or None, delete, pause, resume, name]
    if sum(each is not None for each in chosen) != 1:
        raise MtlserError(
            "schedule: expected one of --name NAME (with --cron and --recipe), --list, "
            "--delete NAME, --pause NAME, --resume NAME"
        )
    if name is None:
        _manage(listed, delete, pause, resume, as_json=as_json)
        return
    if cron is None:
        raise MtlserError(
            f'schedule --name {name}: --cron is missing; for example --cron "0 0 3 * * 1"'
        )
    asked = {"recipe": recipe, "rival": rival}
    _schedule(
        name, cron, dag, asked, sets, version, image_of(image), profile, experiment,
        service_account, catch_up=catch_up,
    )  # fmt: skip


def _schedule(  # noqa: PLR0913, PLR0917 - as the command's options
    name: str,
    cron: str,
    dag: str,
    asked: dict[str, str | None],
    sets: list[str] | None,
    version: str,
    image: str,
    profile: str,
    experiment: str,
    service_account: str | None,
    *,
    catch_up: bool,
) -> None:
    from pipeline.server import cron as crons
    from pipeline.server import packages
    from pipeline.server import runs as server
    from pipeline.server import schedule as schedules

    expression = crons.check(cron)
    package = packages.build(dag, image, profile)
    given = load(asked["recipe"], asked["rival"], sets) if asked["recipe"] else None
    if version in OWN and given is not None:
        packages.arguments(package.inputs, given)
        packages.check_cells(package, given)
    connected = server.connect()
    given = given or load(schedules.recipe_of(connected, name), asked["rival"], sets)
    pipeline_id, version_id, arguments = _version(connected, version, package, given)
    recipe = given["recipe"]
    wanted = schedules.Wanted(
        name=name,
        cron=expression,
        experiment_id=server.experiment(connected, experiment),
        service_account=service_account,
        catch_up=catch_up,
        pipeline_id=pipeline_id,
        version_id=None if version == "latest" else version_id,
        arguments=arguments,
        about=f"{dag} with recipe {recipe.name} ({recipe.hash}), version {version}",
    )
    typer.echo(f"schedule: {name} {schedules.ensure(connected, wanted)}, {expression}")
    moments = ", ".join(f"{each:%Y-%m-%d %H:%M}" for each in crons.next_runs(expression, NEXT))
    typer.echo(f"next:     {moments} (UTC, unless Kubeflow's controller has another time zone)")


def _version(
    connected: "Server", version: str, package: "Package", given: dict[str, Recipe]
) -> tuple[str, str, dict[str, Any]]:
    """Ids of the pipeline and of the version that is to run, and the arguments that it takes."""
    from pipeline.server import packages, versions

    if version not in OWN:
        pinned = versions.find(connected, package.dag, version)
        expected = packages.inputs(pinned.pipeline_spec or {})
        arguments = packages.arguments(expected, given)
        return str(pinned.pipeline_id), str(pinned.pipeline_version_id), arguments
    arguments = packages.arguments(package.inputs, given)
    pipeline_id = versions.pipeline(connected, package.dag)
    newest = version == "latest"
    version_id, uploaded = versions.upload(connected, pipeline_id, package, latest=newest)
    typer.echo(f"version:  {package.version} {'uploaded' if uploaded else 'was there'}")
    return pipeline_id, version_id, arguments


def _manage(
    listed: bool, delete: str | None, pause: str | None, resume: str | None, *, as_json: bool
) -> None:
    from pipeline.server import runs as server
    from pipeline.server import schedule as schedules
    from pipeline.server import view

    connected = server.connect()
    if listed:
        rows = [view.of_schedule(each) for each in schedules.every(connected)]
        if as_json:
            print_json({"schedules": rows})
        else:
            console().print(view.schedules_table(rows))
    elif delete is not None:
        for each in schedules.known(connected, delete):
            schedules.delete(connected, each)
        typer.echo(f"schedule: {delete} deleted")
    elif pause is not None:
        schedules.pause(connected, pause)
        typer.echo(f"schedule: {pause} paused")
    elif resume is not None:
        schedules.resume(connected, resume)
        typer.echo(f"schedule: {resume} active")
