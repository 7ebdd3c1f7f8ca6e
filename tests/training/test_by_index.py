"""Steps by index: what a GPU is told, checked on the CPU and counted on `meta`."""

import logging
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import common, gpu_plan
from mtlser.errors import MtlserError
from mtlser.models.mtl import Logits
from mtlser.models.packed import Packed
from mtlser.models.segments import only_these
from mtlser.models.way import forced
from mtlser.records import Utterance
from mtlser.storage.work_folder import WorkFolder
from mtlser.training import loading, loop
from mtlser.training.checkpoint import Checkpoint
from mtlser.training.filling import LEAST_STEP, fill
from mtlser.training.inputs import Inputs, cell_key
from mtlser.training.job import Job
from mtlser.training.loading import Loader, load
from mtlser.training.step import Stepper
from tests.helpers.trainings import (
    assert_same,
    make_inputs,
    make_job,
    one_step,
    small_recipe,
    step_of,
    training,
)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    return make_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.mark.parametrize("norm", ["group", "layer"])
@pytest.mark.parametrize("trainable", ["all", "transformer", "heads"])
@pytest.mark.parametrize("bucket_s", ["auto", "1.5"])
def test_a_step_by_index_has_the_losses_and_gradients_of_one_by_clips(
    inputs: Inputs, tmp_path: Path, norm: str, trainable: str, bucket_s: str
) -> None:
    recipe = small_recipe(
        tmp_path, f"model.trainable={trainable}", f"train.bucket_s={bucket_s}",
        "train.class_weights=true", "train.ctc=symbol", norm=norm,
    )  # fmt: skip
    by_clips = one_step(make_job(inputs, recipe, tmp_path))
    with forced("index"):
        assert_same(one_step(make_job(inputs, recipe, tmp_path)), by_clips)


def test_spans_that_are_masked_differ_from_clip_to_clip(inputs: Inputs, tmp_path: Path) -> None:
    from mtlser.training.step import spec_augment

    torch.manual_seed(0)
    ones = Packed(torch.ones(250, 40), (100, 50, 100))
    with forced("index"):
        masked = [clip for _ in range(20) for clip in spec_augment(ones).clips()]
    assert {float(each.max()) for each in masked} == {1.0}
    rows = [int((each.sum(1) == 0).sum()) for each in masked]
    columns = [int((each.sum(0) == 0).sum()) for each in masked]
    assert max(rows) <= 10
    assert max(columns) <= 4
    assert len(set(rows)) > 3
    assert len(set(columns)) > 2
    changed = sum(int((each == 0).sum()) > 0 for each in masked)
    assert changed > len(masked) // 2


class TestFilling:
    @pytest.mark.parametrize(("trainable", "norm"), [("all", "group"), ("transformer", "layer")])
    def test_silence_changes_no_loss_and_no_gradient(
        self, inputs: Inputs, tmp_path: Path, trainable: str, norm: str
    ) -> None:
        recipe = small_recipe(tmp_path, f"model.trainable={trainable}", norm=norm)
        job = make_job(inputs, recipe, tmp_path)
        group = job.examples[:5]
        with forced("index"):
            assert_same(filled_step(job, group), one_step(job, group))

    def test_batches_of_like_length_share_a_size(self, inputs: Inputs, tmp_path: Path) -> None:
        job = make_job(inputs, small_recipe(tmp_path), tmp_path)
        generator = torch.Generator().manual_seed(0)
        encoder = job.network.encoder
        sizes, waste = set(), []
        for _ in range(60):
            lengths = torch.randint(16_000, 160_000, (8,), generator=generator).tolist()
            sound = encoder.lay_out([torch.zeros(length) for length in lengths])
            filled = fill(sound, encoder, 8)
            assert filled.lengths == tuple(map(encoder.local_frames, lengths))
            assert min(filled.frames) >= 0
            assert sum(filled.frames) == filled.size[0]
            sizes.add(filled.size)
            waste.append(1 - sum(filled.lengths) / filled.size[0])
        assert len(sizes) <= 12
        assert max(waste) < 0.15
        assert sum(waste) / len(waste) < 0.09
        few = fill(encoder.lay_out([torch.zeros(8_000)] * 2), encoder, 8)
        assert few.size[0] % LEAST_STEP == 0
        assert len(few.frames) > 8  # as many clips as a full batch has


def filled_step(job: Job, group: Any) -> Any:
    """Losses and gradients of a batch with silence behind it, computed as a graph would be."""
    stepper = Stepper(job)
    loaded = load(job, group)
    assert not isinstance(loaded.entering, list)
    filled = fill(loaded.entering, job.network.encoder, 8)
    values = torch.zeros((filled.room, *filled.values.shape[1:]))
    values[: len(filled.values)] = filled.values
    entering, segments = filled.fixed(values, filled.numbers, 600)
    with only_these(segments):
        logits = stepper._logits(entering)
    assert logits.characters is not None
    assert logits.speaker_bs is not None
    words = logits.characters.rows_nd[: sum(filled.lengths)]
    real = Logits(
        logits.emotion_be[: len(group)],
        logits.speaker_bs[: len(group)],
        Packed(words, filled.lengths),
    )
    losses = job.objective(real, loaded.targets, stepper._counts(group))
    job.network.zero_grad()
    losses.total.backward()
    named = job.network.named_parameters()
    return losses.figures(), {n: p.grad.clone() for n, p in named if p.grad is not None}


class TestLoader:
    def test_what_is_expected_is_loaded_once(
        self, inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job = make_job(inputs, small_recipe(tmp_path), tmp_path)
        loaded: list[int] = []

        def counted(job: Job, group: Any) -> Any:
            loaded.append(len(group))
            return load(job, group)

        monkeypatch.setattr(loading, "load", counted)
        with forced("index"):
            loader = Loader(job)
            loader.expect(job.examples[:3])
            loader.expect(job.examples[:3])
            assert loader.take(job.examples[:3]).ids == tuple(
                example.utterance.id for example in job.examples[:3]
            )
            assert loaded == [3]
            loader.take(job.examples[3:7])
            assert loaded == [3, 4]
            loader.close()

    def test_a_clip_that_cannot_be_read_is_told_where_it_is_taken(
        self, inputs: Inputs, tmp_path: Path
    ) -> None:
        def unreadable(utterance: Utterance) -> Any:
            raise MtlserError(f"{utterance.id}: damaged")

        whole = make_job(inputs, small_recipe(tmp_path), tmp_path)
        job = Job(**{**vars(whole), "read": unreadable})
        with forced("index"):
            loader = Loader(job)
            loader.expect(job.examples[:2])
            loader.settle()
            with pytest.raises(MtlserError, match="damaged"):
                loader.take(job.examples[:2])
            loader.close()

    def test_a_cpu_reads_nothing_ahead(self, inputs: Inputs, tmp_path: Path) -> None:
        job = make_job(inputs, small_recipe(tmp_path), tmp_path)
        loader = Loader(job)
        loader.expect(job.examples[:2])
        assert loader._thread is None


class TestMemory:
    def test_a_cpu_takes_a_minute_at_once(self, inputs: Inputs, tmp_path: Path) -> None:
        memory = Stepper(make_job(inputs, small_recipe(tmp_path), tmp_path)).memory
        assert (memory.first_s, memory.bucket_s, memory.measures) == (60.0, 60.0, False)

    def test_a_gpu_takes_what_its_first_part_says_that_fits(
        self, inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from mtlser.training.device_memory import USED, Memory

        job = make_job(inputs, small_recipe(tmp_path), tmp_path)
        gpu = Job(**{**vars(job), "processes": _on_gpu(job)})
        memory = Memory(gpu)
        assert memory.bucket_s == float("inf")
        assert memory.measures
        card = {"allocated": 10, "most": 10, "reserved": 40, "free": 160}
        for name, value in {
            "reset_peak_memory_stats": lambda _: None,
            "memory_allocated": lambda _: card["allocated"],
            "max_memory_allocated": lambda _: card["most"],
            "memory_reserved": lambda _: card["reserved"],
            "mem_get_info": lambda _: (card["free"], 400),
        }.items():
            monkeypatch.setattr(torch.cuda, name, value)
        part = job.examples[:4]
        seconds = sum(example.duration_s for example in part)
        with memory.observed(part):
            card["most"] = 20  # it took 10 of the 190 that it could have
        assert memory.bucket_s == pytest.approx(USED * 19 * seconds)
        assert not memory.measures


def _on_gpu(job: Job) -> Any:
    from mtlser.training.processes import Processes

    return Processes(0, 1, torch.device("cuda"))


def test_the_hash_of_a_recipe_is_that_of_a_minute(tmp_path: Path) -> None:
    auto = small_recipe(tmp_path)
    assert auto.train.bucket_s == "auto"
    assert small_recipe(tmp_path, "train.bucket_s=60").hash == auto.hash
    assert small_recipe(tmp_path, "train.bucket_s=61").hash != auto.hash


def test_a_step_of_wav2vec2_base_gives_a_gpu_little_to_do() -> None:
    """As `make bench BENCH=gpu_plan`, at two sizes."""
    small, large = (gpu_plan.ours_step(batch) for batch in (2, 16))
    assert small["ops"] <= 1000
    assert large["ops"] <= 1.02 * small["ops"]
    assert large["copies"] <= 4
    assert large["waits"] == 0
    assert large["held_bytes"] < 3 * 2**30


def test_the_count_sees_loops_copies_and_waits() -> None:
    with gpu_plan.Count(torch.device("meta")) as counted:
        x = torch.zeros(4).to("meta")
        for _ in range(5):
            x = x * 2
        x.view(2, 2)
    assert (counted.operations, counted.copies, counted.waits) == (6, 1, 0)
    with gpu_plan.Count(common.CPU) as counted:
        bool((torch.ones(3) > 0).all())
    assert counted.waits == 1


gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@gpu
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_captured_step_is_that_of_one_that_is_not(
    inputs: Inputs, tmp_path: Path, caplog: pytest.LogCaptureFixture, precision: str
) -> None:
    caplog.set_level(logging.INFO)
    found = []
    for mode in ("off", "on"):
        recipe = small_recipe(
            tmp_path, f"train.compile={mode}", f"train.precision={precision}", "model.trainable=all"
        )
        job = make_job(inputs, recipe, tmp_path)
        job.network.to("cuda")
        job = Job(**{**vars(job), "processes": _on_gpu(job)})
        stepper = Stepper(job)
        figures = [stepper.step(job.examples[i : i + 8], i) for i in (0, 8, 16, 0)]
        found.append(
            (torch.stack(figures).cpu(), [p.detach().cpu() for p in job.network.parameters()])
        )
    assert "CUDA graph" in caplog.text
    exact = precision == "fp32"
    torch.testing.assert_close(found[0][0], found[1][0], rtol=1e-4 if exact else 0.02, atol=1e-3)
    for one, other in zip(found[0][1], found[1][1], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-2, atol=2e-3)


def test_a_capture_that_runs_out_of_memory_costs_no_step(
    inputs: Inputs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Failing:
        def of(self, *_: Any) -> Any:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    whole = one_step(make_job(inputs, small_recipe(tmp_path), tmp_path))
    stepper = Stepper(make_job(inputs, small_recipe(tmp_path), tmp_path))
    monkeypatch.setattr(stepper, "_graphs", Failing())
    assert_same(step_of(stepper), whole)
    assert stepper._graphs is None
    assert "no longer captured as CUDA graphs" in caplog.text


def test_a_training_ends_the_thread_that_reads_ahead(inputs: Inputs, tmp_path: Path) -> None:
    recipe = small_recipe(tmp_path, "model.trainable=heads", "train.epochs=1")
    job = make_job(inputs, recipe, tmp_path)
    closed: list[int] = []
    with forced("index"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(Loader, "close", lambda loader: closed.append(1))
        loop.fit(job, Checkpoint(WorkFolder(tmp_path / "work"), "cell"), lambda *_: None)
    assert closed == [1]


def test_memory_of_captured_steps_is_given_back_before_a_batch_is_cut(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    whole = one_step(make_job(inputs, small_recipe(tmp_path), tmp_path))
    stepper = Stepper(make_job(inputs, small_recipe(tmp_path), tmp_path))
    backward = stepper._backward
    failed: list[int] = []

    class Captured:
        def of(self, *_: Any) -> None:
            return None

    def fails_once(*given: Any, **named: Any) -> Any:
        if not failed:
            failed.append(1)
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return backward(*given, **named)

    monkeypatch.setattr(stepper, "_graphs", Captured())
    monkeypatch.setattr(stepper, "_backward", fails_once)
    assert_same(step_of(stepper), whole)
    assert stepper._graphs is None
    assert stepper.memory.bucket_s == 60.0


def test_how_a_gpu_computes_is_no_part_of_a_training_s_name(inputs: Inputs, tmp_path: Path) -> None:
    named = {
        cell_key(training(inputs), inputs, small_recipe(tmp_path, *sets))
        for sets in ((), ("train.compile=off",), ("train.bucket_s=60",))
    }
    assert len(named) == 1
