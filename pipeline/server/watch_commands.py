"""The `watch` command: one look at what is late."""

from typing import Annotated

import typer

from pipeline.server.options import AsJson, print_json, tell

LATE_S = 3600.0


def watch(
    late_s: Annotated[
        float, typer.Option(min=0, help="Seconds after which a schedule or a run is late.")
    ] = LATE_S,
    new_s: Annotated[
        float,
        typer.Option(
            min=0,
            help="Tell only what was not yet late so many seconds ago: the pause of two looks.",
        ),
    ] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Look once for schedules that did not fire and runs that wait (exit code 1: there are some).

    Each is posted to the address in MTLSER_WEBHOOK, where that is set. Nothing is remembered: a
    CronJob that looks every ten minutes with `--new-s 600` tells each one once.
    """
    from datetime import UTC, datetime

    from mtlser.tracking import outcome
    from pipeline.server import runs as server
    from pipeline.server import watch as watching

    found = watching.late(server.connect(), late_s, new_s, datetime.now(UTC))
    for each in found:
        if outcome.tell(each) is False:
            tell(f"the webhook did not take this: {each.text}")
    if as_json:
        print_json({"late": [each.model_dump() for each in found]})
    else:
        typer.echo("\n".join(each.text for each in found) or "nothing is late")
    if found:
        raise SystemExit(1)
