"""Where a training stands, on disk: a kill at any moment leaves this state or the one before.

| file | holds |
|---|---|
| `state.safetensors` | weights, optimiser, and the figures so far; replaced whole |
| `state.safetensors.earlier` | the state before that one |
| `best-EPOCH.safetensors` | the weights of the best validated epoch; a state names it |

Each file holds its own digest. Of a state that is damaged, or whose best weights are, the mirror's
copy is taken, else the earlier state, else the training starts again.
"""

import json
import logging
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from mtlser.errors import DamagedError
from mtlser.files import earlier
from mtlser.storage.work_folder import WorkFolder
from mtlser.training import sealed

STATE = "state.safetensors"
BEST = "best-*.safetensors"
log = logging.getLogger(__name__)

Row = dict[str, float | None]
"""Figures of one epoch, as `history.jsonl` and MLflow get them."""


@dataclass
class Standing:
    """How far a training has come."""

    rows: list[Row] = field(default_factory=list)
    """One for each finished epoch."""
    step: int = 0
    """Steps done in the running epoch."""
    sums: list[float] = field(default_factory=list)
    """Losses of the epoch's steps, added up, as the objective names them; at its start empty."""
    seconds: float = 0.0
    """Of training in the running epoch."""
    first: float | None = None
    """Mean loss of the first steps, against which divergence is told."""
    scaler: dict[str, float] = field(default_factory=dict)
    """Loss scale of fp16 and when it grows next; empty in another precision."""

    @property
    def epoch(self) -> int:
        """The running epoch, counted from 1."""
        return len(self.rows) + 1


class Checkpoint:
    """The files of one training, below a work."""

    def __init__(self, work: WorkFolder, name: str) -> None:
        self.work = work
        self.name = name
        self.folder = work.folder / name
        self._rows: list[Row] = []
        """Of the state that is there."""

    def save(self, standing: Standing, network: nn.Module, optimizer: Optimizer) -> None:
        """Writes the state, through a temporary name, and drops the best of none that is left."""
        tensors = {f"now.{name}": value for name, value in trained_weights(network).items()}
        for index, slots in optimizer.state_dict()["state"].items():
            for slot, value in slots.items():
                tensors[f"optimizer.{index}.{slot}"] = torch.as_tensor(value)
        earlier(self.folder / STATE).unlink(missing_ok=True)  # no third one, for want of room
        self._write(STATE, tensors, {"standing": json.dumps(asdict(standing))})
        best, before = self.best_path(standing.rows), self.best_path(self._rows)
        # The one before may be on the mirror alone, and the mirror has no earlier state.
        for older in {*self.folder.glob(BEST), self.best_path(standing.rows[:-1])} - {None, best}:
            assert older is not None
            self.work.delete(f"{self.name}/{older.name}", here=older != before)
        self._rows = standing.rows

    def load(self, network: nn.Module, optimizer: Optimizer) -> Standing:
        """Puts network and optimiser where they were; a new standing where nothing was kept."""
        problems: list[DamagedError] = []
        kept = self.work.first_good(f"{self.name}/{STATE}", self._read, problems)
        if problems:
            log.warning(
                "%s: damaged (%s); %s",
                problems[0].path,
                problems[0].problem,
                "the training starts again"
                if kept is None
                else f"the training goes on from epoch {kept.standing.epoch}, "
                f"step {kept.standing.step}, of another copy",
            )
        if kept is None:
            if problems:
                self.remove()
            return Standing()
        self._rows = kept.standing.rows
        network.load_state_dict(kept.now, strict=False)
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": kept.slots, "param_groups": groups})
        return kept.standing

    def _read(self, path: Path) -> "State":
        """The state in a file, after a look at the best weights that it names.

        Raises:
            DamagedError: either of them is not as it was written.
        """
        tensors, said = sealed.read(path)
        state = State(Standing(**json.loads(said["standing"])), {}, {})
        for name, value in tensors.items():
            kind, _, rest = name.partition(".")
            if kind == "now":
                state.now[rest] = value
            else:
                index, _, slot = rest.partition(".")
                state.slots.setdefault(int(index), {})[slot] = value
        if self.best_path(state.standing.rows) is not None:
            self._best(state.standing.rows)
        return state

    def save_best(self, epoch: int, network: nn.Module) -> None:
        """Keeps the network's weights as those of `epoch`; `save` makes it count."""
        self._write(f"best-{epoch}.safetensors", trained_weights(network), {})

    def load_best(self, rows: list[Row], network: nn.Module) -> None:
        """Gives the network the weights of its best epoch.

        Raises:
            DamagedError: they are not as they were written.
        """
        network.load_state_dict(self._best(rows), strict=False)

    def _best(self, rows: list[Row]) -> dict[str, Tensor]:
        path = self.best_path(rows)
        assert path is not None
        problems: list[DamagedError] = []
        name = f"{self.name}/{path.name}"
        weights = self.work.first_good(name, lambda found: sealed.read(found)[0], problems)
        if weights is None:
            raise problems[0] if problems else DamagedError(path, "missing")
        return weights

    def best_path(self, rows: list[Row]) -> Path | None:
        """The file of the best epoch; `None` where nothing has been validated."""
        if not rows or "score" not in rows[0]:
            return None
        return self.folder / f"best-{best_epoch(rows)}.safetensors"

    def remove(self) -> None:
        """Deletes the files, once the training's result is kept elsewhere."""
        for path in (*self.folder.glob(BEST), self.folder / STATE):
            self.work.delete(f"{self.name}/{path.name}")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write(self, name: str, tensors: dict[str, Tensor], said: dict[str, str]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        sealed.write(self.folder / name, tensors, said, retain=name == STATE)
        self.work.store(f"{self.name}/{name}")


@dataclass(frozen=True)
class State:
    """What a state file holds."""

    standing: Standing
    now: dict[str, Tensor]
    """Weights by name."""
    slots: dict[int, dict[str, Tensor]]
    """Of the optimiser, by parameter."""


def trained_weights(network: nn.Module) -> dict[str, Tensor]:
    """The weights that training changes, and the buffers, as they are (not copied)."""
    frozen = {name for name, p in network.named_parameters() if not p.requires_grad}
    return {name: value for name, value in network.state_dict().items() if name not in frozen}


def score(row: Row) -> float:
    """The row's selection score; minus infinity where it has none."""
    value = row["score"]
    return float("-inf") if value is None else value


def best_epoch(rows: list[Row]) -> int:
    """The epoch with the best validation score, the earliest on a tie; counted from 1."""
    scores = [score(row) for row in rows]
    return scores.index(max(scores)) + 1
