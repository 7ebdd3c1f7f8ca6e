"""Where a training stands, as one safetensors file that is replaced whole."""

import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

STATE = "state.safetensors"


def trained_weights(network: nn.Module) -> dict[str, Tensor]:
    """The weights that training changes, and the buffers, copied."""
    frozen = {name for name, p in network.named_parameters() if not p.requires_grad}
    return {
        name: value.detach().clone()
        for name, value in network.state_dict().items()
        if name not in frozen
    }


def save(
    folder: Path,
    network: nn.Module,
    optimizer: Optimizer,
    best: dict[str, Tensor],
    rows: list[dict[str, float | None]],
) -> None:
    """Writes the state after an epoch; a kill at any moment leaves this one or the last."""
    tensors = {f"now.{name}": value for name, value in trained_weights(network).items()}
    tensors |= {f"best.{name}": value for name, value in best.items()}
    for index, slots in optimizer.state_dict()["state"].items():
        for slot, value in slots.items():
            tensors[f"optimizer.{index}.{slot}"] = torch.as_tensor(value)
    temporary = folder / f"{STATE}.tmp"
    contiguous = {name: value.cpu().contiguous() for name, value in tensors.items()}
    save_file(contiguous, temporary, metadata={"rows": json.dumps(rows)})
    temporary.replace(folder / STATE)


def load(
    folder: Path, network: nn.Module, optimizer: Optimizer
) -> tuple[dict[str, Tensor], list[dict[str, float | None]]]:
    """Puts network and optimiser where they were; the best weights and the epoch rows so far."""
    path = folder / STATE
    if not path.is_file():
        return {}, []
    best: dict[str, Tensor] = {}
    now: dict[str, Tensor] = {}
    slots: dict[int, dict[str, Tensor]] = {}
    with safe_open(path, framework="pt") as file:
        rows = json.loads(file.metadata()["rows"])
        for name in file.keys():  # noqa: SIM118 (safe_open is no mapping)
            kind, _, rest = name.partition(".")
            value = file.get_tensor(name)
            if kind == "best":
                best[rest] = value
            elif kind == "now":
                now[rest] = value
            else:
                index, _, slot = rest.partition(".")
                slots.setdefault(int(index), {})[slot] = value
    network.load_state_dict(now, strict=False)
    optimizer.load_state_dict(
        {"state": slots, "param_groups": optimizer.state_dict()["param_groups"]}
    )
    return best, rows
