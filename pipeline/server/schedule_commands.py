"""The `schedule` command: a DAG again and again on a Kubeflow Pipelines server."""

from typing import Annotated

import typer

from mtlser.errors import MtlserError
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

NEXT = 5
"""Runs that are foretold."""


def schedule(  # noqa: PLR0913, PLR0917 - one parameter an option
    name: Annotated[
        str | None, typer.Option(help="Of the schedule; one of the same name is replaced.")
    ] = None,
    cron: Annotated[
        str | None,
        typer.Option(help="Six fields, seconds first, in the cluster's time zone (UTC)."),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="Shipped name or path to a .toml file; else that of the schedule replaced."
        ),
    ] = None,
    sets: Sets = None,
    dag: Annotated[str, typer.Option(help="crossval, search, compare or retrain.")] = "retrain",
    rival: Rival = None,
    version: Annotated[
        str,
        typer.Option(
            help="latest: each run takes the newest uploaded; current: this code's, for good; "
            "or the name of a version on the server, for good."
        ),
    ] = "latest",
    image: Image = None,
    profile: Profile = "gpu",
    experiment: Experiment = EXPERIMENT,
    service_account: ServiceAccount = None,
    catch_up: Annotated[
        bool,
        typer.Option("--catch-up", help="Make up for runs missed, all of them, one after another."),
    ] = False,
    listed: Annotated[bool, typer.Option("--list", help="Show the schedules.")] = False,
    delete: Annotated[
        str | None, typer.Option(metavar="NAME", help="Delete; runs under way go on.")
    ] = None,
    pause: Annotated[str | None, typer.Option(metavar="NAME", help="Start no more runs.")] = None,
    resume: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Start runs again, the last missed one at once."),
    ] = None,
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
    from pipeline.server import packages, versions
    from pipeline.server import runs as server
    from pipeline.server import schedule as schedules

    expression = crons.check(cron)
    package = packages.build(dag, image, profile)
    own = version in {"latest", "current"}
    given = load(asked["recipe"], asked["rival"], sets) if asked["recipe"] else None
    if own and given is not None:
        packages.arguments(package.inputs, given)
        packages.check_cells(package, given)
    connected = server.connect()
    if given is None:
        given = load(schedules.recipe_of(connected, name), asked["rival"], sets)
    if own:
        arguments = packages.arguments(package.inputs, given)
        pipeline_id = versions.pipeline(connected, dag)
        newest = version == "latest"
        version_id, uploaded = versions.upload(connected, pipeline_id, package, latest=newest)
        typer.echo(f"version:  {package.version} {'uploaded' if uploaded else 'was there'}")
    else:
        pinned = versions.find(connected, dag, version)
        pipeline_id, version_id = pinned.pipeline_id, pinned.pipeline_version_id
        expected = packages.inputs(pinned.pipeline_spec or {})
        arguments = packages.arguments(expected, given)
    recipe = given["recipe"]
    outcome = schedules.ensure(
        connected,
        schedules.Wanted(
            name=name,
            cron=expression,
            experiment_id=server.experiment(connected, experiment),
            service_account=service_account,
            catch_up=catch_up,
            pipeline_id=pipeline_id,
            version_id=None if version == "latest" else version_id,
            arguments=arguments,
            about=f"{dag} with recipe {recipe.name} ({recipe.hash}), version {version}",
        ),
    )
    typer.echo(f"schedule: {name} {outcome}, {expression}")
    moments = ", ".join(f"{each:%Y-%m-%d %H:%M}" for each in crons.next_runs(expression, NEXT))
    typer.echo(f"next:     {moments} (UTC, unless Kubeflow's controller has another time zone)")


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
