"""A step makes no GPU wait: the host reads nothing back that a device has computed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from mtlser.models import losses, segments, speech_encoder
from mtlser.models.torch_internals import TorchDispatchMode
from mtlser.models.way import Way, forced
from mtlser.training import loading
from mtlser.training.step import Stepper
from tests.helpers import torch_internals
from tests.helpers.torch_internals import tree_leaves
from tests.helpers.trainings import make_inputs, make_job, small_recipe

ATEN: Any = torch.ops.aten
READS_BACK = {
    *torch_internals.READS_BACK, ATEN.nonzero, ATEN.masked_select, ATEN.equal, ATEN.is_nonzero,
    ATEN.unique_dim, ATEN.unique_consecutive,
}  # fmt: skip
INDEXES = {ATEN.index, ATEN.index_put, ATEN.index_put_, torch_internals.INDEXES_IN_PLACE}


class Waits(Exception):  # noqa: N818
    """The host reads what a device has computed."""


class Device(TorchDispatchMode):
    """A stand-in for a GPU: knows which tensors would lie on it, and what would be waited for.

    On it lie the weights, what the host copies there, and whatever is computed from either. What
    stays on the host by design (lengths, transcripts' lengths, the counts that sums are divided by,
    the random spans of SpecAugment) may be read at will.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        built: Any = WeakTensorKeyDictionary  # torch does not annotate it
        self.held: Any = built()

    def take(self, tensor: Tensor) -> Tensor:
        """The tensor, now on the device."""
        self.held[tensor] = True
        return tensor

    @contextmanager
    def copies_guarded(self, patch: pytest.MonkeyPatch) -> Iterator[None]:
        """Refuses, too, what between host and host is no operation at all."""

        def guarded(name: str) -> Any:
            plain = getattr(Tensor, name)

            def copy(tensor: Tensor, *args: Any, **kwargs: Any) -> Any:
                if tensor in self.held:
                    raise Waits(f"{name} waits for the device")
                return plain(tensor, *args, **kwargs)

            return copy

        with patch.context() as inner:
            for name in ("tolist", "numpy", "cpu"):
                inner.setattr(Tensor, name, guarded(name))
            yield

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        tensors = [each for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)]
        here = any(tensor in self.held for tensor in tensors)
        packet = func.overloadpacket
        if here:
            masks = packet in INDEXES and any(
                index is not None and index.dtype in {torch.bool, torch.uint8} for index in args[1]
            )
            if packet in READS_BACK or masks:
                raise Waits(f"{func} waits for the device")
        result = func(*args, **(kwargs or {}))
        if here:
            for tensor in tree_leaves(result):
                if isinstance(tensor, Tensor):
                    self.take(tensor)
        return result


@contextmanager
def device(stepper: Stepper, patch: pytest.MonkeyPatch) -> Iterator[Device]:
    """The stand-in, with the stepper's weights on it and all that is moved to it."""
    built = Device()

    def sent(values: Tensor, _: torch.device) -> Tensor:
        return built.take(values.clone())

    for module in (segments, losses, loading, speech_encoder):
        patch.setattr(module, "to_device", sent)
    for tensor in stepper.job.network.state_dict(keep_vars=True).values():
        built.take(tensor)
    assert stepper._weights_e is not None
    stepper._weights_e = built.take(stepper._weights_e.clone())
    with built, built.copies_guarded(patch):
        yield built


@pytest.mark.parametrize("trainable", ["heads", "transformer", "all"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("way", ["clips", "index"])
def test_a_step_reads_nothing_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trainable: str, precision: str, way: Way
) -> None:
    recipe = small_recipe(
        tmp_path, f"model.trainable={trainable}", f"train.precision={precision}",
        "train.clip_norm=1", "train.bucket_s=2.5", "train.spec_augment=true",
        "train.class_weights=true", "train.schedule=linear", "model.dropout=0.1",
    )  # fmt: skip
    job = make_job(make_inputs(tmp_path), recipe, tmp_path)
    monkeypatch.setattr(loading.Loader, "expect", lambda *_: None)  # in the thread that watches
    with forced(way):
        stepper = Stepper(job)
    with forced(way), device(stepper, monkeypatch) as gpu:
        for seed in (1, 2):
            figures = stepper.step(job.examples[:8], seed)
        assert figures in gpu.held
    assert bool(figures.isfinite().all())


@pytest.mark.parametrize(
    "reads",
    [
        lambda x: float(x.sum()), lambda x: x.tolist(), lambda x: x[x > 0], lambda x: x.nonzero(),
        lambda x: bool((x > 0).any()), lambda x: x.masked_fill_(x > 0, 0)[x > 0],
        lambda x: x.__setitem__(x > 0, 0), torch.unique,
    ],
)  # fmt: skip
def test_the_stand_in_tells_what_would_be_waited_for(
    reads: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = Device()
    with gpu, gpu.copies_guarded(monkeypatch):
        with pytest.raises(Waits, match="waits for the device"):
            reads(gpu.take(torch.randn(4)) * 2)
        reads(torch.randn(4))
