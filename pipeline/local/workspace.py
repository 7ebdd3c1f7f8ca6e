"""The folder of a local run: what is reused after a kill, and how a finished run appears.

While a run works, everything it writes is below `OUT/.work`; the last finished run in `OUT` stays
as it is until the new one has succeeded.
"""

import fcntl
import hashlib
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict

import components
import mtlser
import pipeline
from mtlser.errors import MtlserError
from mtlser.files import earlier
from mtlser.storage import checked, listing, lock
from mtlser.storage.marker import MARKER, RUN_LOG
from pipeline.job import Job

HIDDEN = ".work"


class State(BaseModel):
    """What an interrupted run was made of; it goes on only where all of it is unchanged."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    dag: str = "crossval"
    recipe: str
    """Text of all recipes."""
    data: str
    """Digest of each release: file names, sizes, times."""
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
        return [entry for key, entry in names.items() if getattr(self, key) != getattr(other, key)]


class Workspace:
    """Paths of one run folder."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.hidden = out / HIDDEN
        self.log = self.hidden / RUN_LOG
        self.state = self.hidden / "state.json"
        self.order = self.hidden / "order.json"
        self.result = self.hidden / "result.json"
        self.steps = self.hidden / "steps"
        self.cache = self.hidden / "cache"
        self.trainings = self.hidden / "trainings"
        """The stages' own folder that outlives a killed step."""
        self.fresh = self.hidden / "fresh"
        """What is about to be published."""
        self.replaced = self.hidden / "old"
        """What that takes the place of."""
        self.ready = self.hidden / "ready.json"
        """Exists once `fresh` is complete."""

    def read_state(self) -> State | None:
        """The state of the interrupted run; `None` where there is none.

        Of one that is damaged, the one before, which is a few seconds older.
        """
        known = checked.read_record(self.state, State)
        return known or checked.read_record(earlier(self.state), State)

    def write_state(self, state: State) -> None:
        """Writes `state`, whole."""
        checked.write_json(self.state, state.model_dump(mode="json"), retain=True)

    def clear(self) -> None:
        """Deletes the state of the interrupted run; the lock and the log stay."""
        self.state.unlink(missing_ok=True)
        earlier(self.state).unlink(missing_ok=True)
        for path in self.hidden.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name not in {"lock", RUN_LOG}:
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
    path = space.hidden / "lock"
    with path.open("a") as handle:  # the kernel releases it where its holder is killed
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MtlserError(
                f"--out {out}: another run is writing here, {lock.holder(path)}; wait for it, or "
                "give another --out"
            ) from None
        lock.sign(path)
        yield space


def current(job: Job) -> State:
    """The state of a new run of `job`, whose places are absolute."""
    recipes = [recipe for recipe in (job.recipe, job.rival) if recipe is not None]
    inputs = [listing.digest(r.noise.root or "") + listing.digest(r.model.encoder) for r in recipes]
    return State(
        dag=job.dag,
        recipe="\n".join(job.arguments().values()),
        data="".join(map(listing.digest, job.recipe.roots.values())),
        inputs="".join(inputs),
        code=source_digest(),
    )


def begin(space: Workspace, job: Job, *, keep: bool) -> tuple[State, list[str]]:
    """The state to run with, and what has changed since an interrupted run (nothing: it goes on).

    Args:
        space: the workspace.
        job: the resolved job.
        keep: go on with an interrupted run although the code has changed.
    """
    now = current(job)
    before = space.read_state()
    changed = now.changed(before) if before else []
    if before is not None and (not changed or (keep and changed == ["the code"])):
        state = now.model_copy(update={"run": before.run, "elapsed_s": before.elapsed_s})
        changed = []
    else:
        space.clear()
        space.log.unlink(missing_ok=True)
        state = now.model_copy(update={"run": uuid.uuid4().hex})
    for folder in (space.steps, space.cache, space.trainings):
        folder.mkdir(exist_ok=True)
    space.write_state(state)
    return state, changed


def source_digest() -> str:
    """Digest of the package's own source and of the components'."""
    digest = hashlib.sha256()
    for package in (mtlser, components, pipeline):
        assert package.__file__ is not None
        for path in sorted(Path(package.__file__).parent.rglob("*.py")):
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
