"""What one training step asks of a GPU, counted where there is none.

    python -m benchmarks.gpu_plan

A step of a wav2vec 2.0 base (forward, losses, backward, optimiser) runs on torch's `meta` device,
which has shapes and no numbers, by the way that a GPU takes. Counted are operations other than
views and allocations, copies from the host, points at which the host would wait for the device,
and the bytes that are kept for the backward pass. CTC counts as one operation forward and one
backward: torch has none on `meta`; on a GPU it copies its lengths by itself, and waits for that.

A step of transformers' Trainer (bf16, fused AdamW) is counted on the CPU, on a network of the same
depth, of narrow layers and on shorter clips: neither changes a count.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks import common, ours
from mtlser.models.torch_internals import TorchDispatchMode

META = torch.device("meta")
SIZES = (8, 32, 64)
NO_KERNEL = ("empty", "lift_fresh", "record_function", "is_", "detach", "alias")
"""Operations whose name holds one of these give a device nothing to do."""


class Count(TorchDispatchMode):
    """Counts what is asked of one device."""

    def __init__(self, device: torch.device) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.device = device
        self.operations = self.copies = self.waits = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        devices = {each.device.type for each in _tensors((args, kwargs or {}))}
        made = {each.device.type for each in _tensors(result)}
        name = func.overloadpacket.__name__
        here = self.device.type in devices | made
        reads_back = "_local_scalar_dense" in name or "nonzero" in name
        self.waits += self.device.type in devices and (reads_back or bool(made - devices))
        self.copies += devices == {"cpu"} and made == {self.device.type} and here
        skipped = func.is_view or any(part in name for part in NO_KERNEL)
        self.operations += here and not skipped
        return result


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _tensors(each)


@contextmanager
def held_for_backward() -> Iterator[list[int]]:
    """Bytes of all storages that the block keeps for its backward pass."""
    storages: dict[int, tuple[object, int]] = {}
    sizes: list[int] = []

    def pack(tensor: Tensor) -> Tensor:
        if not isinstance(tensor, nn.Parameter):
            storage = tensor.untyped_storage()  # on `meta` it has no address
            storages[id(storage)] = storage, storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield sizes
    sizes.append(sum(size for _, size in storages.values()))


def ours_step(batch: int) -> dict[str, int]:
    """What a step of this package asks for."""
    trainer = ours.Trainer(device=META, batch=batch)
    trainer.stepper.step(trainer.group(common.make_clips(batch)), 0)
    group = trainer.group(common.make_clips(batch, seed=1))
    with Count(META) as counted, held_for_backward() as held:
        trainer.stepper.step(group, 0)
    return {
        "ops": counted.operations,
        "copies": counted.copies,
        "waits": counted.waits,
        "held_bytes": held[0],
    }


class Narrow(common.PaperNetwork):
    """The network that the Trainer trains, as deep and narrow."""

    def __init__(self) -> None:
        from transformers import Wav2Vec2Model

        super().__init__()
        config = common.base_config()
        config.conv_dim = (4,) * len(config.conv_dim)
        config.hidden_size, config.intermediate_size = 32, 32
        config.num_attention_heads, config.num_conv_pos_embedding_groups = 2, 2
        self.encoder = Wav2Vec2Model(config)
        self.emotion_head = nn.Linear(config.hidden_size, common.EMOTIONS)
        self.speaker_head = nn.Linear(config.hidden_size, common.SPEAKERS)
        self.ctc_head = nn.Linear(config.hidden_size, common.SYMBOLS)


def trainers_step(batch: int) -> int:
    """Operations of a step of the Trainer."""
    network = Narrow()
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)
    clips = common.make_clips(batch)
    for clip in clips:  # as short as their transcripts allow: attention on a CPU takes the memory
        clip["input_values"] = clip["input_values"][: len(clip["input_values"]) // 4]
        clip["characters"] = clip["characters"][: len(clip["characters"]) // 8 + 1]
    padded = common.collate(clips)

    def step() -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = network(**padded)["loss"]
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    step()
    return counted_on_cpu(step)


def counted_on_cpu(action: Callable[[], object]) -> int:
    """Operations of the action, all of which the CPU stands for a device in."""
    with Count(common.CPU) as counted:
        action()
    return counted.operations


def main() -> None:
    """Counts and reports."""
    steps = {batch: ours_step(batch) for batch in SIZES}
    figures: dict[str, Any] = {f"ops_{batch}": step["ops"] for batch, step in steps.items()}
    figures["copies"] = max(step["copies"] for step in steps.values())
    figures["waits"] = max(step["waits"] for step in steps.values())
    figures |= {f"trainer_ops_{batch}": trainers_step(batch) for batch in (8, 64)}
    figures |= {f"held_mib_{batch}": step["held_bytes"] >> 20 for batch, step in steps.items()}
    common.report("gpu_plan", figures)


if __name__ == "__main__":
    main()
