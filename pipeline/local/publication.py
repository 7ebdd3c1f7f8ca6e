"""How a finished run appears, in its folder or on S3.

Nothing that an earlier run left goes before everything that takes its place is there. A retraining
that found nothing new adds `drift.json` to a folder and leaves the rest, and on S3 writes nothing.
"""

import shlex
import shutil
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from mtlser.errors import MtlserError
from mtlser.evaluation.summary import set_seconds
from mtlser.files import write_text
from mtlser.storage.layout import BESIDE_REPORT, CHOSEN, FOLDS
from mtlser.storage.links import link
from mtlser.storage.marker import MARKER, RUN_LOG, Marker
from mtlser.storage.s3.upload import Slot, upload
from pipeline.local.worker import Result
from pipeline.local.workspace import State, Workspace

WHOLE = {"reported": ".", "compared": ".", "ours": "recipe", "theirs": "rival"}
"""Artifacts that a run folder keeps whole, and where in it."""
PUBLISHED = {
    **BESIDE_REPORT,
    "folds": (*BESIDE_REPORT["folds"], FOLDS),  # where a DAG writes no report, they are not in it
    "chosen": (CHOSEN,),
    "final": ("model",),
    "checked": ("drift.json",),
}
"""What the run folder keeps of each other artifact."""
UNCHANGED = {"corpus", "checked"}
"""What a retraining that found nothing new leaves where no run was before."""
MODELS = {"model", "checkpoints"}
COMPARISON = {"comparison.json"}


class Plan(BaseModel):
    """What is left to do once all that is new is there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    remove: tuple[str, ...]
    """Names in the run folder that the new run does not have."""


def check_replaceable(dag: str, out: Path, slot: Slot | None) -> None:
    """Refuses a run that would end with less than what is at its place now.

    Args:
        dag: the DAG's name.
        out: the run folder.
        slot: the run's place on S3; `None`: it stays in `out`.

    Raises:
        MtlserError: an earlier run measured what this DAG does not.
    """
    names = _tops(_earlier(out, slot))
    place = slot.location if slot else _shown(out)
    if names & MODELS and dag in {"search", "compare"}:
        holds = "the report and models of a crossval or retrain run"
    elif names & COMPARISON and dag != "compare":
        holds = "the comparison of a compare run"
    else:
        return
    raise MtlserError(
        f"--out {place}: holds {holds}, which {dag} would remove; give another folder, for "
        f"example `--out {shlex.quote(place.rstrip('/') + '-' + dag)}`"
    )


def publish(space: Workspace, result: Result, seconds: float, slot: Slot | None = None) -> None:
    """Puts the finished run into its place and drops the workspace.

    What an earlier run left beside it goes last, unless this run found nothing new.

    Args:
        space: the workspace.
        result: where the run left its artifacts.
        seconds: wall time of the whole run, for `summary.json`.
        slot: the run's place on S3; the folder then keeps a copy of what this run made.

    Raises:
        MtlserError: S3 refuses, or another run wrote there meanwhile; the same command then goes
            on with the upload.
    """
    earlier = _earlier(space.out, slot)
    unchanged = result.places.keys() <= UNCHANGED
    adds = unchanged and not _tops(earlier) <= _names(UNCHANGED)
    places = {name: at for name, at in result.places.items() if not adds or name == "checked"}
    _collect(space, result.model_copy(update={"places": places}), seconds, log=not adds)
    if slot is not None and not adds:
        upload(space.fresh, slot)
    here = _earlier(space.out, None)
    retained = here if adds and slot is None else {}
    marker = Marker(state="complete", files={**retained, **Marker.of(space.fresh).files})
    write_text(space.fresh / MARKER, marker.model_dump_json() + "\n")
    new = {path.name for path in space.fresh.iterdir()}
    plan = Plan(remove=tuple(sorted(_tops(here) - _tops(retained) - new)))
    write_text(space.ready, plan.model_dump_json())
    finish(space)


def finish(space: Workspace, job: State | None = None) -> bool:
    """Moves what is ready into the run folder, also where an earlier process was killed at it.

    Args:
        space: the workspace.
        job: what is to be run.

    Returns:
        Whether that was the run of `job`, which then is done.
    """
    try:
        plan = Plan.model_validate_json(space.ready.read_bytes())
    except (OSError, ValidationError):
        return False
    state = space.read_state()
    space.replaced.mkdir(exist_ok=True)
    for new in sorted(space.fresh.iterdir() if space.fresh.is_dir() else ()):
        target = space.out / new.name
        if target.exists():
            target.rename(space.replaced / new.name)
        new.rename(target)
    for name in plan.remove:
        if (space.out / name).exists():
            (space.out / name).rename(space.replaced / name)
    published = space.out / RUN_LOG
    if published.exists() and space.log.exists() and published.samefile(space.log):
        space.log.unlink()
    space.ready.unlink()
    space.clear()
    return state is not None and job is not None and not job.changed(state)


def _collect(space: Workspace, result: Result, seconds: float, *, log: bool) -> None:
    """Links all that is to be published below `fresh`."""
    shutil.rmtree(space.fresh, ignore_errors=True)
    space.fresh.mkdir()
    for output, place in result.places.items():
        if output in WHOLE:
            _link(Path(place), space.fresh / WHOLE[output])
        for name in PUBLISHED.get(output, ()):
            source = Path(place) / name
            if source.exists():
                _link(source, space.fresh / name)
    for cell, place in result.cells.items():
        _link(Path(place), space.fresh / "checkpoints" / cell.replace(":", "-"))
    if (space.fresh / "summary.json").is_file():
        set_seconds(space.fresh / "summary.json", seconds)
    if log and space.log.is_file():
        _link(space.log, space.fresh / RUN_LOG)
    (space.fresh / MARKER).unlink(missing_ok=True)


def _earlier(out: Path, slot: Slot | None) -> dict[str, int]:
    """What the last finished run left: sizes of its files by path."""
    if slot is not None:
        return slot.before.pointer.files if slot.before else {}
    try:
        return Marker.model_validate_json((out / MARKER).read_bytes()).files
    except (OSError, ValidationError):
        return {}


def _tops(files: dict[str, int]) -> set[str]:
    return {path.partition("/")[0] for path in files}


def _names(outputs: set[str]) -> set[str]:
    return {RUN_LOG, *(name for output in outputs for name in PUBLISHED[output])}


def _shown(out: Path) -> str:
    """The path as a person would give it."""
    return str(out.relative_to(Path.cwd()) if out.is_relative_to(Path.cwd()) else out)


def _link(source: Path, place: Path) -> None:
    """Links a file or a whole folder, its marker too."""
    if source.is_dir():
        shutil.copytree(source, place, copy_function=link, dirs_exist_ok=True)
    else:
        link(source, place)
