"""Where a training stands, on disk: a kill at any moment leaves this state or the one before.

| file | holds |
|---|---|
| `state.safetensors` | weights, optimiser, and the figures so far; replaced whole |
| `best-EPOCH.safetensors` | the weights of the best validated epoch; the state names it |
"""

import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from mtlser.files import atomic_file
from mtlser.storage.work_folder import WorkFolder

STATE = "state.safetensors"
BEST = "best-*.safetensors"

Row = dict[str, float | None]
"""Figures of one epoch, as `history.jsonl` and MLflow get them."""


@dataclass
class Standing:
    """How far a training has come."""

    rows: list[Row] = field(default_factory=list)
    """One for each finished epoch."""
    step: int = 0
    """Steps done in the running epoch."""
    sums: list[float] = field(default_factory=lambda: [0.0] * 4)
    """Losses of the running epoch's steps, added up: total, emotion, CTC, speaker."""
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

    def save(self, standing: Standing, network: nn.Module, optimizer: Optimizer) -> None:
        """Writes the state, through a temporary name, and drops an older best."""
        tensors = {f"now.{name}": value for name, value in trained_weights(network).items()}
        for index, slots in optimizer.state_dict()["state"].items():
            for slot, value in slots.items():
                tensors[f"optimizer.{index}.{slot}"] = torch.as_tensor(value)
        self._write(STATE, tensors, {"standing": json.dumps(asdict(standing))})
        best = self.best_path(standing.rows)
        # The one before may be on the mirror alone.
        for older in {*self.folder.glob(BEST), self.best_path(standing.rows[:-1])} - {None, best}:
            assert older is not None
            self.work.delete(f"{self.name}/{older.name}")

    def load(self, network: nn.Module, optimizer: Optimizer) -> Standing:
        """Puts network and optimiser where they were; a new standing where nothing was kept."""
        path = self.folder / STATE
        if not self.work.restore(f"{self.name}/{STATE}"):
            return Standing()
        now: dict[str, Tensor] = {}
        slots: dict[int, dict[str, Tensor]] = {}
        with safe_open(path, framework="pt") as file:
            standing = Standing(**json.loads(file.metadata()["standing"]))
            for name in file.keys():  # noqa: SIM118 (safe_open is no mapping)
                kind, _, rest = name.partition(".")
                if kind == "now":
                    now[rest] = file.get_tensor(name)
                else:
                    index, _, slot = rest.partition(".")
                    slots.setdefault(int(index), {})[slot] = file.get_tensor(name)
        network.load_state_dict(now, strict=False)
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": slots, "param_groups": groups})
        return standing

    def save_best(self, epoch: int, network: nn.Module) -> None:
        """Keeps the network's weights as those of `epoch`; `save` makes it count."""
        self._write(f"best-{epoch}.safetensors", trained_weights(network), {})

    def load_best(self, rows: list[Row], network: nn.Module) -> None:
        """Gives the network the weights of its best epoch."""
        path = self.best_path(rows)
        assert path is not None
        self.work.restore(f"{self.name}/{path.name}")
        network.load_state_dict(load_file(path), strict=False)

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

    def _write(self, name: str, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        contiguous = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
        with atomic_file(path, flag="--work") as temporary:
            save_file(contiguous, temporary, metadata=metadata)
        self.work.store(f"{self.name}/{name}")


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
