"""Commands that talk to a Kubeflow Pipelines server: submit, schedule, status, logs."""

from typing import TYPE_CHECKING, Annotated

import typer

from mtlser.errors import MtlserError
from pipeline.server.clean_command import clean
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
    tell,
)
from pipeline.server.schedule_commands import schedule
from pipeline.server.watch_commands import watch

if TYPE_CHECKING:
    from pipeline.server.connection import Server


def register(app: typer.Typer) -> None:
    """Adds the commands to the command line."""
    example = "Example: mtlser-pipeline "
    app.command("submit", epilog=f"{example}submit --recipe emodb --set data.root=s3://b/emodb")(
        submit
    )
    app.command(
        "schedule",
        epilog=f'{example}schedule --name weekly --cron "0 0 3 * * 1" --recipe emodb',
    )(schedule)
    app.command("status", epilog=f"{example}status RUN")(status)
    app.command("watch", epilog=f"{example}watch --late-s 3600 --new-s 600")(watch)
    app.command("logs", epilog=f"{example}logs RUN train")(logs)
    app.command("clean", epilog=f"{example}clean --older-than 90d")(clean)
    app.command("metrics", epilog=f"{example}metrics --s3 s3://mtlser --out mtlser.prom")(metrics)


def submit(  # noqa: PLR0913, PLR0917 - one parameter an option
    recipe: Annotated[
        str, typer.Option(help="Shipped name (`mtlser recipes`) or path to a .toml file.")
    ],
    dag: Annotated[str, typer.Option(help="crossval, search, compare or retrain.")] = "crossval",
    sets: Sets = None,
    rival: Rival = None,
    image: Image = None,
    profile: Profile = "gpu",
    experiment: Experiment = EXPERIMENT,
    service_account: ServiceAccount = None,
    name: Annotated[
        str | None, typer.Option(help="Of the run; DAG, recipe and time where none is given.")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Follow the run; exit code 1 where it fails.")
    ] = False,
) -> None:
    """Run a DAG on the server that KF_PIPELINES_ENDPOINT names.

    Where the server wants them: KF_PIPELINES_NAMESPACE, KF_PIPELINES_TOKEN or
    KF_PIPELINES_COOKIES, and KF_PIPELINES_CA_CERT for an authority of your own.
    """
    from datetime import UTC, datetime

    from pipeline.server import packages
    from pipeline.server import runs as server

    given = load(recipe, rival, sets)
    package = packages.build(dag, image_of(image), profile)
    arguments = packages.arguments(package.inputs, given)
    packages.check_cells(package, given)
    connected = server.connect()
    moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    called = name or f"{dag} {given['recipe'].name} {moment}"
    run_id = server.submit(connected, package, arguments, called, experiment, service_account)
    typer.echo(f"run:  {run_id}")
    typer.echo(f"page: {connected.link(run_id)}")
    if wait:
        _wait(connected, run_id)


def status(
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="Id or name.")] = None,
    last: Annotated[int, typer.Option(min=1, help="Runs to show.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Show the last runs and all schedules, or the steps of one run (exit code 1: it failed)."""
    from pipeline.server import runs as server
    from pipeline.server import schedule as schedules
    from pipeline.server import view

    connected = server.connect()
    if run is None:
        rows = [view.of_run(each) for each in server.recent(connected, last)]
        plans = [view.of_schedule(each) for each in schedules.every(connected)]
        if as_json:
            print_json({"runs": rows, "schedules": plans})
            return
        screen = console()
        screen.print(view.runs_table(rows))
        screen.print(view.schedules_table(plans))
        return
    described = server.find(connected, run)
    facts = view.details(described)
    if as_json:
        print_json(facts)
    else:
        screen = console()
        screen.print(view.runs_table([facts]))
        screen.print(view.tasks_table(facts["tasks"]))
    if facts["state"] == "FAILED":
        raise SystemExit(1)


def logs(
    run: Annotated[str, typer.Argument(help="Id or name.")],
    task: Annotated[
        str | None, typer.Argument(metavar="[TASK]", help="A step's name; else every step.")
    ] = None,
) -> None:
    """Print what a run's steps wrote, or the kubectl command where the server does not give it."""
    from pipeline.server import runs as server

    connected = server.connect()
    described = server.find(connected, run)
    steps = server.tasks(described)
    wanted = [each for each in steps if task in {None, each.name, each.name.partition("(")[0]}]
    if not wanted:
        names = ", ".join(dict.fromkeys(each.name for each in steps)) or "none yet"
        raise MtlserError(f"{task}: no such step of run {run}; its steps are: {names}")
    place = connected.namespace or connected.settings.namespace or "kubeflow"
    for each in wanted:
        if each.was_reused:
            typer.echo(f"== {each.name}: reused from an earlier run, which has its log")
            continue
        for pod in each.pods:
            typer.echo(f"== {each.name} ({each.state.lower()}) {pod}")
            text = server.log(connected, described.run_id, pod)
            if text is None:
                typer.echo(
                    f"the server gives no log of this pod; try: kubectl logs -n {place} {pod} "
                    "-c main"
                )
            else:
                typer.echo(text.rstrip("\n"))
    if not any(each.pods or each.was_reused for each in wanted):
        typer.echo(
            "the server names no pod of these steps; try: kubectl get pods "
            f"-n {place} -l pipeline/runid={described.run_id}"
        )


def metrics(
    s3: Annotated[
        list[str] | None, typer.Option("--s3", help="s3:// address whose size is told; repeatable.")
    ] = None,
    out: Annotated[
        str, typer.Option(help="File, written whole, for node_exporter's textfile collector.")
    ] = "",
) -> None:
    """Print figures of schedules, failed steps, runs, champions and S3 for Prometheus."""
    import os
    from pathlib import Path

    from mtlser.files import atomic_file
    from pipeline.server import metrics as figures
    from pipeline.server import runs as server

    connected = server.connect() if os.environ.get("KF_PIPELINES_ENDPOINT") else None
    text = figures.text(connected, s3 or [])
    if not out:
        typer.echo(text, nl=False)
        return
    with atomic_file(Path(out)) as path:
        path.write_text(text, encoding="utf-8")


def _wait(connected: "Server", run_id: str) -> None:
    """Follows a run; a failed one ends the command with exit code 1."""
    from pipeline.server import runs as server

    try:
        run = server.follow(connected, run_id, tell)
    except KeyboardInterrupt:
        tell(f"no longer followed; the run goes on: `mtlser-pipeline status {run_id}`")
        raise SystemExit(130) from None
    typer.echo(f"state: {run.state.lower()}")
    if run.state in server.GOOD:
        return
    names = ", ".join(server.failed(run)) or "none named by the server"
    error = f" ({' '.join(run.error.message.split())})" if run.error and run.error.message else ""
    tell(
        f"run {run_id} {run.state.lower()}{error}; failed steps: {names}; see `mtlser-pipeline "
        f"logs {run_id}`"
    )
    raise SystemExit(1)
