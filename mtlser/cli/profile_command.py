"""The command `mtlser profile`, and what it prints."""

from typing import TYPE_CHECKING, Annotated

import typer

from mtlser import stages, storage
from mtlser.cli import show
from mtlser.cli.flags import Out, announce, command
from mtlser.records import read_json

if TYPE_CHECKING:
    from mtlser.evaluation.cost.cost_records import Cost


def profile(
    model: Annotated[
        str,
        typer.Argument(metavar="RUN_OR_MODEL", help="Run, cell or model folder, or MLflow URI."),
    ],
    out: Out,
    clip_s: Annotated[float, typer.Option(help="Seconds of the clip that is timed.")] = 3.6,
    device: Annotated[str, typer.Option(help="`cpu` or `cuda`.")] = "cpu",
) -> None:
    """Measure parameters, operations, latency, throughput and memory of a trained model."""
    from mtlser.evaluation.cost.cost_records import COST, Cost

    stages.profile(model, out, clip_s, device)
    cost = read_json(storage.fetch(out) / COST, Cost)
    typer.echo(f"{cost.system}: {cost.about}")
    show.table(("", ""), rows(cost))
    following = command("report", "...", out, note="beside the cells: the report shows it")
    announce(f"cost: {out}", following)


def rows(cost: "Cost") -> list[tuple[str, str]]:
    """What was measured, a line each."""
    one, many, held = cost.latency, cost.throughput, cost.memory
    before = "" if held.loaded is None else f", {held.loaded / 1e6:,.0f} MB before"
    lines = [("parameters", f"{cost.parameters:,} ({cost.trainable:,} trained)")]
    for each in cost.operations:
        counted = f"{giga(each.multiply_adds)} multiply-adds, {giga(each.flops)} FLOPs"
        lines.append((f"{each.clip_s:g} s clip", counted))
    lines += [
        ("latency", f"{1e3 * one.p50_s:.1f} ms p50, {1e3 * one.p95_s:.1f} ms p95 "
         f"({one.clip_s:g} s clip alone, {one.runs} runs)"),
        ("throughput", f"{many.audio_s_per_s:.1f} s of audio a second ({many.batch} clips of "
         f"{many.clip_s:g} s, {many.runs} runs)"),
        ("memory", f"{held.peak / 1e6:,.0f} MB at most{before}"),
        ("machine", cost.machine.text),
    ]  # fmt: skip
    if cost.uncounted:
        lines.append(("not counted", ", ".join(cost.uncounted)))
    return lines


def giga(number: int) -> str:
    """Thousands of millions, with three digits.

    >>> giga(6_912_345_678), giga(12_300_000)
    ('6.91 G', '0.0123 G')
    """
    return f"{number / 1e9:.3g} G"
