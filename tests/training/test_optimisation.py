"""Rates, schedules, weights, precision and what else moves a network."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mlflow import MlflowClient
from sklearn.utils.class_weight import compute_class_weight

from mtlser import tracking
from mtlser.errors import MtlserError
from mtlser.models.packed import Packed
from mtlser.storage.work_folder import WorkFolder
from mtlser.training import network, optimisation, step
from mtlser.training.inputs import Inputs
from mtlser.training.step import Stepper
from tests.helpers.trainings import history, make_inputs, make_job, small_recipe, train, training

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    return make_inputs(tmp_path_factory.mktemp("inputs"))


def test_fp16_without_a_gpu_is_refused_in_one_sentence(inputs: Inputs, tmp_path: Path) -> None:
    recipe = small_recipe(tmp_path, "train.precision=fp16")
    with pytest.raises(MtlserError, match=r"^precision fp16 needs a GPU, and there is none here; "):
        train(inputs, recipe, tmp_path / "work")


@pytest.mark.parametrize(
    ("precision", "device", "able", "dtype"),
    [
        ("fp32", GPU, True, torch.float32),
        ("bf16", GPU, True, torch.bfloat16),
        ("fp16", GPU, False, torch.float16),
        ("auto", GPU, True, torch.bfloat16),
        ("auto", GPU, False, torch.float32),
        ("auto", CPU, True, torch.bfloat16),
        ("auto", CPU, False, torch.float32),
        ("bf16", CPU, False, torch.bfloat16),
    ],
)
def test_what_a_precision_means_on_a_device(
    monkeypatch: pytest.MonkeyPatch, precision: str, device: Any, able: bool, dtype: torch.dtype
) -> None:
    """`able` says whether the device that is asked for multiplies bf16; the other one does not."""
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: able and device == GPU)
    monkeypatch.setattr(optimisation, "cpu_multiplies_bf16", lambda: able and device == CPU)
    assert optimisation.activation_dtype(precision, device) == dtype


def test_bf16_on_a_gpu_that_has_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: False)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Tesla T4")
    with pytest.raises(MtlserError, match=r"bf16 is not to be had on Tesla T4; use .*fp16"):
        optimisation.activation_dtype("bf16", GPU)


def test_bf16_trains_to_nearly_the_losses_of_fp32_with_weights_of_fp32(
    inputs: Inputs, tmp_path: Path
) -> None:
    result = {}
    for precision in ("fp32", "bf16"):
        recipe = small_recipe(tmp_path, f"train.precision={precision}", "train.epochs=3")
        result[precision] = history(train(inputs, recipe, tmp_path / precision))
    for exact, near in zip(result["fp32"], result["bf16"], strict=True):
        assert near["train_loss"] == pytest.approx(exact["train_loss"], rel=0.02)
    assert result["bf16"] != result["fp32"]
    job = make_job(inputs, small_recipe(tmp_path, "train.precision=bf16"), tmp_path)
    Stepper(job).step(job.examples[:8], 1)
    assert {p.dtype for p in job.network.parameters()} == {torch.float32}
    assert step.forward(job, step.load_batch(job, job.examples[:2]).features).emotion_be.dtype == (
        torch.bfloat16
    )


def test_the_cnn_has_the_recipe_s_precision_too(inputs: Inputs, tmp_path: Path) -> None:
    job = make_job(inputs, small_recipe(tmp_path, "train.precision=bf16"), tmp_path)
    assert step.load_batch(job, job.examples[:2]).features.rows_nd.dtype == torch.bfloat16


def test_each_layer_s_rate_falls_towards_the_input_and_heads_have_their_own(
    inputs: Inputs, tmp_path: Path
) -> None:
    """Two layers: the last one 1e-3, the other and all below it 5e-4."""
    recipe = small_recipe(
        tmp_path, "train.layer_decay=0.5", "train.head_learning_rate=0.01", "train.warmup=0.0"
    )
    job = make_job(inputs, recipe, tmp_path)
    stepper = Stepper(job)
    rate_of = {id(p): g["lr"] for g in stepper.optimizer.param_groups for p in g["params"]}
    for name, parameter in job.network.named_parameters():
        rate = 0.01 if not name.startswith("encoder.") else 1e-3 if ".layers.1." in name else 5e-4
        assert rate_of.pop(id(parameter)) == pytest.approx(rate), name
    assert not rate_of
    assert stepper.schedule.get_last_lr()[0] == pytest.approx(1e-3), (
        "the row tells the last layer's"
    )


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
@pytest.mark.parametrize("warmup", [0.0, 0.25])
def test_a_schedule_warms_up_falls_and_goes_on_where_it_was(
    inputs: Inputs, tmp_path: Path, schedule: str, warmup: float
) -> None:
    """Two epochs of four steps, against the formula; and from step 3 on alone."""
    recipe = small_recipe(tmp_path, f"train.schedule={schedule}", f"train.warmup={warmup}").train
    warm = round(8 * warmup)

    def expected(index: int) -> float:
        if index < warm:
            return (index + 1) / warm
        share = (index - warm) / (8 - warm)
        falls = {
            "constant": 1.0,
            "linear": 1 - share,
            "cosine": (1 + math.cos(math.pi * share)) / 2,
        }
        return falls[schedule]

    for done in (0, 3):
        weight = torch.nn.Parameter(torch.zeros(1))
        optimizer = torch.optim.AdamW([weight], lr=1e-3)
        built = optimisation.make_schedule(optimizer, recipe, 4, done)
        rates = []
        for _ in range(done, 8):
            rates.append(built.get_last_lr()[0])
            optimizer.step()
            built.step()
        wanted = [1e-3 * expected(index) for index in range(done, 8)]
        assert rates == pytest.approx(wanted, abs=1e-12)


def test_class_weights_are_those_of_scikit_learn(inputs: Inputs, tmp_path: Path) -> None:
    shown = make_job(inputs, small_recipe(tmp_path), tmp_path).examples
    shown = [example for example in shown if example.emotion != 2 or example.speaker]
    emotions = [example.emotion for example in shown]
    expected = compute_class_weight("balanced", classes=np.arange(4), y=emotions)
    np.testing.assert_allclose(optimisation.class_weights(shown, 4), expected, rtol=1e-6)
    assert len(set(expected.tolist())) > 1


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("before", [(False, False), (True, False), (True, True)])
def test_deterministic_mode_ends_with_the_training(
    monkeypatch: pytest.MonkeyPatch, wanted: bool, before: tuple[bool, bool]
) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)

    def flags() -> tuple[bool, bool, bool]:
        return (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
            torch.backends.cudnn.benchmark,
        )

    torch.use_deterministic_algorithms(before[0], warn_only=before[1])
    try:
        with pytest.raises(KeyboardInterrupt), optimisation.deterministic(wanted):
            assert flags() == ((True, True, False) if wanted else (*before, True))
            raise KeyboardInterrupt
        assert flags() == (*before, True)
    finally:
        torch.use_deterministic_algorithms(False)


def test_spec_augment_masks_a_span_of_each_clip_s_own_frames_and_channels() -> None:
    """At most a tenth of each, somewhere else in each clip, and nothing else is touched."""
    torch.manual_seed(0)
    clips = Packed.of([torch.ones(frames, 40) for frames in (60, 30, 5)])
    frames_seen, starts = set(), set()
    for _ in range(50):
        masked = step.spec_augment(clips)
        assert masked.lengths == clips.lengths
        for clip_tc in masked.clips():
            gone_t = [int(t) for t in (clip_tc == 0).all(1).nonzero()]
            gone_c = [int(c) for c in (clip_tc == 0).all(0).nonzero()]
            for gone, size in ((gone_t, len(clip_tc)), (gone_c, 40)):
                assert len(gone) <= size // 10
                assert gone == list(range(gone[0], gone[0] + len(gone))) if gone else True
            retained = torch.ones_like(clip_tc)
            retained[gone_t], retained[:, gone_c] = 0, 0
            torch.testing.assert_close(clip_tc, retained, rtol=0, atol=0)
            frames_seen.add(len(gone_t))
            starts.add(tuple(gone_t[:1]))
    assert len(frames_seen) > 3
    assert len(starts) > 10


def test_spec_augment_is_drawn_anew_each_step_and_alike_for_one_seed(
    inputs: Inputs, tmp_path: Path
) -> None:
    job = make_job(inputs, small_recipe(tmp_path, "train.spec_augment=true"), tmp_path)
    losses = []
    for seed in (1, 1, 2):
        again = make_job(inputs, small_recipe(tmp_path, "train.spec_augment=true"), tmp_path)
        losses.append(float(Stepper(again).step(again.examples[:8], seed)[0]))
    assert losses[0] == losses[1] != losses[2]
    plain = make_job(inputs, small_recipe(tmp_path), tmp_path)
    assert float(Stepper(plain).step(job.examples[:8], 1)[0]) not in losses


@pytest.mark.parametrize("wanted", ["true", "false"])
def test_system_metrics_are_logged_where_mlflow_is_told_to(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    store = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.setenv("MTLSER_TRACKING", "on")
    monkeypatch.setenv("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", wanted)
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.05")
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING", "1")
    recipe = small_recipe(tmp_path)
    with tracking.parent(recipe) as parent:
        network.train_network(
            training(inputs), inputs, recipe, WorkFolder(tmp_path / "work"), parent
        )
    runs = MlflowClient(store).search_runs(["1"], "tags.mlflow.runName = 'fold 0'")
    result = {name for run in runs for name in run.data.metrics}
    assert "train_loss" in result
    logged = {name for name in result if name.startswith("system/")}
    assert ("system/cpu_utilization_percentage" in logged) == (wanted == "true")
    assert bool(logged) == (wanted == "true")
