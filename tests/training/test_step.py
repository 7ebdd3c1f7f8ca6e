"""One optimiser step: parts, memory that runs out, and what a GPU would wait for."""

from pathlib import Path
from typing import Any

import pytest
import torch

from mtlser.errors import MtlserError
from mtlser.models.mtl import MtlNetwork
from mtlser.models.packed import Packed
from mtlser.training import batches, optimisation, step
from mtlser.training.inputs import Inputs
from mtlser.training.step import Stepper, forward, load_batch
from tests.helpers.trainings import (
    assert_same,
    make_inputs,
    make_job,
    one_step,
    small_recipe,
    step_of,
)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    return make_inputs(tmp_path_factory.mktemp("inputs"))


class Memory:
    """A device whose memory holds so many seconds of audio at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fails: Any = lambda seconds: False
        self.taken: list[float] = []
        forward = MtlNetwork.forward

        def limited(network: MtlNetwork, features: Packed, cut: Any) -> Any:
            seconds = sum(features.lengths) * 0.02
            if self.fails(seconds):
                raise torch.OutOfMemoryError("CUDA out of memory.")
            self.taken.append(seconds)
            return forward(network, features, cut)

        monkeypatch.setattr(MtlNetwork, "forward", limited)


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    return Memory(monkeypatch)


@pytest.mark.parametrize(
    ("trainable", "norm"), [("all", "group"), ("all", "layer"), ("transformer", "layer"),
                            ("heads", "layer")]
)  # fmt: skip
def test_parts_have_the_losses_and_the_gradients_of_the_whole_batch(
    inputs: Inputs, tmp_path: Path, memory: Memory, trainable: str, norm: str
) -> None:
    recipe = small_recipe(tmp_path, f"model.trainable={trainable}", norm=norm)
    whole = one_step(make_job(inputs, recipe, tmp_path))
    assert len(memory.taken) == 1
    for key, most in (("bucket_s=1.5", 1.5), ("device_batch=3", 2.7), ("device_batch=1", 0.9)):
        memory.taken.clear()
        parted = small_recipe(tmp_path, f"model.trainable={trainable}", f"train.{key}", norm=norm)
        assert_same(one_step(make_job(inputs, parted, tmp_path)), whole)
        assert len(memory.taken) > 2
        assert max(memory.taken) <= most


def test_class_weights_and_missing_transcripts_count_over_the_whole_batch(
    inputs: Inputs, tmp_path: Path
) -> None:
    recipe = small_recipe(tmp_path, "train.class_weights=true")
    job = make_job(inputs, recipe, tmp_path)
    group = job.examples[3:9]
    assert sum(example.characters is None for example in group) == 1
    parted = make_job(
        inputs, small_recipe(tmp_path, "train.class_weights=true", "train.bucket_s=1"), tmp_path
    )
    weights_e = optimisation.class_weights(job.examples, 4)
    with torch.no_grad():
        scores_be = forward(job, load_batch(job, group).features).emotion_be
    emotions_b = torch.tensor([example.emotion for example in group])
    by_torch = torch.nn.functional.cross_entropy(scores_be, emotions_b, weight=weights_e)
    whole = one_step(job, group)
    torch.testing.assert_close(whole[0][1], by_torch)
    assert_same(one_step(parted, parted.examples[3:9]), whole)


def test_gradient_checkpointing_holds_less_for_the_same_losses_and_gradients(
    inputs: Inputs, tmp_path: Path
) -> None:
    """With dropout, whose random numbers the second pass must draw again."""
    result, held = [], []
    for spared in ("false", "true"):
        recipe = small_recipe(
            tmp_path, f"train.gradient_checkpointing={spared}", "model.dropout=0.2"
        )
        config = Path(recipe.model.encoder) / "config.json"
        config.write_text(config.read_text().replace('_dropout": 0.0', '_dropout": 0.2'))
        job = make_job(inputs, recipe, tmp_path)
        Stepper(job)  # tells the encoder
        sizes: list[int] = []

        def pack(tensor: torch.Tensor, sizes: list[int] = sizes) -> torch.Tensor:
            sizes.append(tensor.nbytes)
            return tensor

        features = step.load_batch(job, job.examples[:8]).features
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            step.forward(job, features)
        held.append(sum(sizes))
        result.append(one_step(make_job(inputs, recipe, tmp_path)))
    assert_same(*result)
    assert held[1] < 0.7 * held[0]


def test_a_device_batch_is_not_cut_by_the_bucket(
    inputs: Inputs, tmp_path: Path, memory: Memory
) -> None:
    recipe = small_recipe(tmp_path, "train.device_batch=4", "train.bucket_s=0.1")
    one_step(make_job(inputs, recipe, tmp_path))
    assert len(memory.taken) == 2


def test_out_of_memory_halves_the_bucket_and_does_the_whole_step_again(
    inputs: Inputs, tmp_path: Path, memory: Memory
) -> None:
    """The fault comes at the second part, when the first has left its gradients."""
    recipe = small_recipe(tmp_path, "train.bucket_s=3")
    whole = one_step(make_job(inputs, small_recipe(tmp_path), tmp_path))
    stepper = Stepper(make_job(inputs, recipe, tmp_path))
    memory.taken.clear()
    memory.fails = lambda seconds: len(memory.taken) == 1 and seconds > 1.5
    again = step_of(stepper)
    assert_same(again, whole)
    assert len(memory.taken) > 3
    assert max(memory.taken[1:]) <= 1.5
    assert stepper.memory.bucket_s < 1.5


def test_a_fault_in_the_backward_pass_is_made_good_too(
    inputs: Inputs, tmp_path: Path, memory: Memory
) -> None:
    whole = one_step(make_job(inputs, small_recipe(tmp_path), tmp_path))
    job = make_job(inputs, small_recipe(tmp_path, "train.bucket_s=3"), tmp_path)
    failed: list[int] = []

    def fail_once(grad: torch.Tensor) -> None:
        if not failed and job.network.emotion_head.bias.grad is not None:
            failed.append(1)
            raise torch.OutOfMemoryError("CUDA out of memory.")

    assert job.network.ctc_head is not None
    job.network.ctc_head.weight.register_hook(fail_once)
    assert_same(one_step(job), whole)
    assert failed


@pytest.mark.parametrize("bucket_s", [60, 0.1])
def test_a_clip_that_does_not_fit_is_named_though_others_do(
    inputs: Inputs, tmp_path: Path, memory: Memory, bucket_s: float
) -> None:
    """Alone in its part or not."""
    job = make_job(inputs, small_recipe(tmp_path, f"train.bucket_s={bucket_s}"), tmp_path)
    longest = max(job.examples, key=lambda example: example.duration_s)
    others = [e for e in job.examples if e.duration_s < 0.75][:4]
    memory.fails = lambda seconds: seconds > 0.8
    sentence = f"memory ran out at utterance {longest.utterance.id} of 0.9 s; use "
    with pytest.raises(MtlserError, match=sentence):
        one_step(job, [longest, *others])


def test_padding_that_is_seen_is_not_cut_short_where_memory_runs_out(
    inputs: Inputs, tmp_path: Path, memory: Memory
) -> None:
    recipe = small_recipe(tmp_path, "train.device_batch=4", "train.padding=seen")
    memory.fails = lambda seconds: seconds > 1
    with pytest.raises(MtlserError, match=r"memory ran out .* use `--set train.device_batch=1`"):
        one_step(make_job(inputs, recipe, tmp_path))


def test_another_error_is_raised_as_it_is(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("sizes do not match")

    job = make_job(inputs, small_recipe(tmp_path), tmp_path)
    monkeypatch.setattr(MtlNetwork, "forward", fail)
    with pytest.raises(RuntimeError, match=r"^sizes do not match$"):
        one_step(job)


def test_what_the_host_s_allocator_says_counts_as_out_of_memory(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        torch.empty(2**55)

    job = make_job(inputs, small_recipe(tmp_path), tmp_path)
    monkeypatch.setattr(MtlNetwork, "forward", fail)
    with pytest.raises(MtlserError, match="memory ran out at utterance"):
        one_step(job)


def test_each_process_takes_parts_of_its_own_and_none_is_left_out(
    inputs: Inputs, tmp_path: Path
) -> None:
    job = make_job(inputs, small_recipe(tmp_path), tmp_path)
    group = job.examples[:8]
    assert len(batches.parts(group, 60.0, 3)) == 3
    whole = batches.parts(group, 1.5, 3)
    assert len(whole) == 6
    taken = [e.utterance.id for part in whole for e in part]
    assert sorted(taken) == sorted(e.utterance.id for e in group)
    lengths = [batches.seconds(part) for part in whole]
    assert max(lengths) - min(lengths) <= max(e.duration_s for e in group)
