"""The folder of a local run: what is reused after a kill, and how a finished run appears.

While a run works, everything it writes is below `OUT/.work`; the last finished run in `OUT` stays
as it is until the new one has succeeded.
"""

import fcntl
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

import mtlser
from mtlser.errors import MtlserError
from mtlser.storage.marker import MARKER, Marker
from pipeline.job import Job
from pipeline.worker import Result

HIDDEN = ".work"
WHOLE = {"reported": ".", "compared": ".", "ours": "recipe", "theirs": "rival"}
"""Artifacts that a run folder keeps whole, and where in it."""
PUBLISHED = {
    "corpus": ("ingest.json", "manifest.jsonl"),
    "folds": ("audit.json", "folds.json"),
    "chosen": ("chosen.json",),
    "final": ("model",),
    "registered": ("registered.json",),
    "checked": ("drift.json",),
}
"""What the run folder keeps of each other artifact."""
UNCHANGED = {"corpus", "checked"}
"""What a retraining that found nothing new leaves."""


class State(BaseModel):
    """What an interrupted run was made of; it goes on only where all of it is unchanged."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    dag: str = "crossval"
    recipe: str
    """Text of all recipes."""
    data: str
    """Digest of the release: file names, sizes, times."""
    inputs: str
    """Digest of the noise folder and the encoder folder."""
    code: str
    """Digest of the package's own source."""
    run: str = ""
    """Key of the parent run in MLflow."""
    elapsed_s: float = 0.0
    """Wall time of the earlier attempts."""

    def changed(self, other: "State") -> list[str]:
        """Names of what differs between two states, for a person."""
        names = {"dag": "the DAG", "recipe": "the recipe", "data": "the release"}
        names |= {"inputs": "noise or encoder", "code": "the code"}
        return [told for key, told in names.items() if getattr(self, key) != getattr(other, key)]


class Workspace:
    """Paths of one run folder."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.hidden = out / HIDDEN
        self.log = out / "pipeline.log"
        self.state = self.hidden / "state.json"
        self.order = self.hidden / "order.json"
        self.result = self.hidden / "result.json"
        self.steps = self.hidden / "steps"
        self.cache = self.hidden / "cache"
        self.trainings = self.hidden / "trainings"
        """The stages' own folder that outlives a killed step."""

    def read_state(self) -> State | None:
        """The state of the interrupted run; `None` where there is none."""
        try:
            return State.model_validate_json(self.state.read_text(encoding="utf-8"))
        except (OSError, ValidationError):
            return None

    def write_state(self, state: State) -> None:
        """Writes `state` through a temporary name."""
        temporary = self.state.with_suffix(".tmp")
        temporary.write_text(state.model_dump_json(indent=1), encoding="utf-8")
        temporary.replace(self.state)

    def clear(self) -> None:
        """Forgets the interrupted run; the lock stays."""
        for path in self.hidden.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != "lock":
                path.unlink()


@contextmanager
def locked(out: Path) -> Iterator[Workspace]:
    """The workspace of `out`, held by this process alone.

    Raises:
        MtlserError: another run holds it, `out` is a file, or holds files of somebody else.
    """
    _refuse_foreign(out)
    space = Workspace(out)
    space.hidden.mkdir(parents=True, exist_ok=True)
    with (space.hidden / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MtlserError(
                f"--out {out}: another run is writing here; wait for it, or give another --out"
            ) from None
        yield space


def begin(space: Workspace, job: Job, *, keep: bool) -> tuple[State, list[str]]:
    """The state to run with, and what has changed since an interrupted run (nothing: it goes on).

    Args:
        space: the workspace.
        job: the resolved job.
        keep: go on with an interrupted run although the code has changed.
    """
    recipes = [recipe for recipe in (job.recipe, job.rival) if recipe is not None]
    inputs = [tree_digest(r.noise.root or "") + tree_digest(r.model.encoder) for r in recipes]
    now = State(
        dag=job.dag,
        recipe="\n".join(job.arguments().values()),
        data=tree_digest(job.recipe.data.root),
        inputs="".join(inputs),
        code=source_digest(),
    )
    earlier = space.read_state()
    changed = now.changed(earlier) if earlier else []
    if earlier is not None and (not changed or (keep and changed == ["the code"])):
        state = now.model_copy(update={"run": earlier.run, "elapsed_s": earlier.elapsed_s})
        changed = []
    else:
        space.clear()
        space.log.unlink(missing_ok=True)
        state = now.model_copy(update={"run": uuid.uuid4().hex})
    space.result.unlink(missing_ok=True)
    for folder in (space.steps, space.cache, space.trainings):
        folder.mkdir(exist_ok=True)
    space.write_state(state)
    return state, changed


def publish(space: Workspace, result: Result, seconds: float) -> None:
    """Puts the finished run into the folder, each name whole, and drops the workspace.

    What an earlier run left beside it goes, unless this run found nothing new.

    Args:
        space: the workspace.
        result: where the run left its artifacts.
        seconds: wall time of the whole run, for `summary.json`.
    """
    fresh = space.hidden / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    for output, place in result.places.items():
        if output in WHOLE:
            _link(Path(place), fresh / WHOLE[output])
        for name in PUBLISHED.get(output, ()):
            source = Path(place) / name
            if source.exists():
                _link(source, fresh / name)
    for cell, place in result.cells.items():
        _link(Path(place), fresh / "checkpoints" / cell.replace(":", "-"))
    if (fresh / "summary.json").is_file():
        set_seconds(fresh / "summary.json", seconds)
    (fresh / MARKER).unlink(missing_ok=True)
    old = space.hidden / "old"
    old.mkdir(exist_ok=True)
    files = Marker.of(fresh).files
    for name, earlier in _left(space.out).items():
        if (fresh / name).exists():
            continue
        if result.places.keys() <= UNCHANGED:
            files |= earlier
        elif (space.out / name).exists():
            (space.out / name).rename(old / name)
    marker = Marker(state="complete", files=files)
    (fresh / MARKER).write_text(marker.model_dump_json() + "\n", encoding="utf-8")
    for new in sorted(fresh.iterdir()):
        target = space.out / new.name
        if target.exists():
            target.rename(old / new.name)
        new.rename(target)
    space.clear()


def _left(out: Path) -> dict[str, dict[str, int]]:
    """What the last finished run left, by name in the folder: sizes of its files by path."""
    found: dict[str, dict[str, int]] = {}
    try:
        marker = Marker.model_validate_json((out / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return found
    for path, size in marker.files.items():
        found.setdefault(path.partition("/")[0], {})[path] = size
    return found


def set_seconds(summary: Path, seconds: float) -> None:
    """Writes the wall time into `summary.json`, which may be a link to the step's own."""
    content = json.loads(summary.read_text(encoding="utf-8"))
    content["seconds"] = round(seconds, 1)
    temporary = summary.with_suffix(".tmp")
    temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    temporary.replace(summary)


def tree_digest(place: str) -> str:
    """Digest of a local folder's file names, sizes and times; of the text where it is no folder."""
    if not place or not Path(place).is_dir():
        return hashlib.sha256(place.encode()).hexdigest()[:16]
    digest = hashlib.sha256()
    for folder, folders, files in os.walk(place):
        folders.sort()
        for name in sorted(files):
            path = Path(folder) / name
            seen = path.stat()
            told = f"{path.relative_to(place)}\0{seen.st_size}\0{seen.st_mtime_ns}\n"
            digest.update(told.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]


def source_digest() -> str:
    """Digest of the package's own source and of the components'."""
    digest = hashlib.sha256()
    package = Path(mtlser.__file__).parent
    for folder in (package, package.parent / "components", package.parent / "pipeline"):
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _refuse_foreign(out: Path) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise MtlserError(f"--out {out}: is a file; give a folder, for example `--out runs/demo`")
    ours = (out / MARKER).exists() or (out / HIDDEN).exists()
    if not ours and any(out.iterdir()):
        raise MtlserError(
            f"--out {out}: holds files that no run wrote; give a new folder, for example "
            "`--out runs/demo`"
        )


def _link(source: Path, place: Path) -> None:
    """Copies a file or folder by hard links where the disk allows it."""

    def link(old: str, new: str) -> None:
        try:
            os.link(old, new)
        except OSError:
            shutil.copy2(old, new)

    place.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, place, copy_function=link, dirs_exist_ok=True)
    else:
        link(str(source), str(place))
