"""The command `mtlser predict`: audio files, or a corpus to be scored on."""

import json
from pathlib import Path
from typing import Annotated

import typer

from mtlser import stages
from mtlser.cli import show
from mtlser.cli.flags import announce
from mtlser.errors import MtlserError

EXAMPLE = (
    "Example: mtlser predict runs/demo clip.wav other.wav --json, "
    "or: mtlser predict runs/demo --manifest corpus --score"
)


def predict(
    model: Annotated[
        str,
        typer.Argument(
            metavar="RUN_OR_MODEL",
            help="Run folder, model folder or MLflow URI (models:/mtlser@champion).",
        ),
    ],
    wavs: Annotated[
        list[Path] | None, typer.Argument(metavar="[WAV...]", help="Audio files.")
    ] = None,
    *,
    score: Annotated[
        bool,
        typer.Option(
            "--score", help="Score the model on a corpus that it has not seen; needs --manifest."
        ),
    ] = False,
    manifest: Annotated[
        str, typer.Option(help="With --score: corpus folder, as `mtlser ingest` wrote it.")
    ] = "",
    out: Annotated[
        str, typer.Option(help="With --score: folder to write scores and predictions to.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print emotion with probabilities, text and speaker for each file, or scores on a corpus.

    A model that has seen an utterance, a speaker, a dialogue, a recording or a clip of the corpus
    is refused.
    """
    if score:
        _score(model, wavs or [], manifest, out, as_json=as_json)
        return
    if manifest or out or not wavs:
        seen = "--manifest and --out are for --score" if manifest or out else "no audio files"
        raise MtlserError(
            f"{seen}; give files, as in `mtlser predict runs/demo clip.wav`, or a corpus, as in "
            "`mtlser predict runs/demo --manifest corpus --score`"
        )
    from mtlser.serving import load

    predicted = load.predict_files(model, wavs)
    if as_json:
        typer.echo(json.dumps([each.model_dump() for each in predicted], indent=1))
    else:
        show.predictions(predicted)


def _score(model: str, wavs: list[Path], manifest: str, out: str, *, as_json: bool) -> None:
    if wavs or not manifest:
        raise MtlserError(
            "--score takes a corpus and no audio files: give its folder, as `mtlser ingest` wrote "
            "it, with `--manifest`"
        )
    scored = stages.score(model, manifest, out)
    if as_json:
        typer.echo(json.dumps(json.loads(scored.model_dump_json()), indent=1))
        return
    show.unseen(scored)
    if out:
        announce(f"scored: {out}")
