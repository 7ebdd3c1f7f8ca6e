"""What a system costs: sizes, counts and the shape of what is measured; no time is asserted."""

import mmap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from mtlser.errors import MtlserError
from mtlser.evaluation.cost import cost_records, machine, profiling
from mtlser.evaluation.cost.cost_records import COST, Cost
from mtlser.evaluation.cost.profiling import Effort
from mtlser.evaluation.predictor import Done, NetworkSystem, Output, SvmSystem, Wav, unheeded
from mtlser.models import bundle
from mtlser.models.baselines import mel_statistics, svm
from mtlser.records import FOUR, write_json
from tests.helpers.profiling import QUICK, made_up
from tests.helpers.trained import write_model


def network(folder: Path, trainable: str = "all") -> NetworkSystem:
    loaded = bundle.load(write_model(folder))
    model = loaded.description.model.model_copy(update={"trainable": trainable})
    description = loaded.description.model_copy(update={"model": model})
    return NetworkSystem(bundle.TrainedModel(loaded.network, description))


def machine_of(rows: int = 48, kernel: str = "rbf") -> SvmSystem:
    rng = np.random.default_rng(0)
    labels = [FOUR[i % 4] for i in range(rows)]
    features_nd = rng.normal(0, 1, (rows, mel_statistics.FEATURES))
    choice = svm._DEFAULT.model_copy(update={"kernel": kernel})
    pipeline = svm._pipeline(choice, mel_statistics.FEATURES).fit(features_nd, labels)
    return SvmSystem(svm.SvmModel(pipeline, choice))


class Counting:
    """A system that keeps how many clips of what length it was given."""

    def __init__(self) -> None:
        self.given: list[tuple[int, int]] = []

    def predict(self, wavs: Sequence[Wav], done: Done = unheeded) -> list[Output]:
        self.given.append((len(wavs), len(wavs[0])))
        return [Output(dict.fromkeys(FOUR, 0.25), None, None) for _ in wavs]


def test_a_network_s_cost(tmp_path: Path) -> None:
    system = network(tmp_path)
    cost = profiling.profile(system, "mtlser", "alone", 1.5, QUICK)
    weights = list(system.model.network.parameters())
    assert cost.parameters == cost.trainable == sum(weight.numel() for weight in weights)
    assert [each.clip_s for each in cost.operations] == [1.0, 1.5, 2.0, 3.0, 5.0, 10.0]
    counted = [each.multiply_adds for each in cost.operations]
    assert counted == sorted(counted)
    assert all(each.flops == 2 * each.multiply_adds > 0 for each in cost.operations)
    assert cost.uncounted == ()
    assert 0 < cost.latency.p50_s <= cost.latency.p95_s
    assert cost.throughput.batch == 8
    assert cost.throughput.audio_s_per_s == pytest.approx(1.5 * cost.throughput.clips_per_s)
    assert cost.memory.peak > 0
    assert cost.machine.torch == torch.__version__
    assert cost.machine.device == "cpu"
    assert cost.machine.threads == torch.get_num_threads()
    assert Cost.model_validate_json(cost.model_dump_json()) == cost


def test_frozen_parts_are_not_trained(tmp_path: Path) -> None:
    whole = profiling.size(network(tmp_path / "a"))
    transformer = profiling.size(network(tmp_path / "b", "transformer"))
    heads_only = network(tmp_path / "c", "heads")
    heads = profiling.size(heads_only)
    assert whole[1] == transformer[1] == heads[1]
    cnn = sum(
        p.numel()
        for name, p in heads_only.model.network.named_parameters()
        if name.startswith("encoder.cnn.")
    )
    assert transformer[2] == whole[1] - cnn
    assert heads[2] == sum(
        p.numel()
        for name, p in heads_only.model.network.named_parameters()
        if not name.startswith("encoder.")
    )


def test_an_svm_s_parameters_are_its_support_vectors() -> None:
    system = machine_of()
    fitted = system.model.pipeline[-1]
    vectors = len(fitted.support_vectors_)
    about, parameters, trained = profiling.size(system)
    assert f"rbf SVM of {vectors} support vectors of 720 features" in about
    assert parameters == trained == fitted.support_vectors_.size + fitted.dual_coef_.size + 2 * 720


def test_an_svm_s_kernel_counts_beside_its_features() -> None:
    small, large = machine_of(16), machine_of(48)
    more = len(large.model.pipeline[-1].support_vectors_) - len(
        small.model.pipeline[-1].support_vectors_
    )
    assert more > 0
    (one,), unknown = profiling.count_lengths(small, [1.0])
    (other,), _ = profiling.count_lengths(large, [1.0])
    assert other.multiply_adds - one.multiply_adds == more * (720 + 3)
    assert unknown == ()
    frames, bins, deltas = 97, 257, 5
    spectrogram = frames * 1.25 * 512 * 9
    features = frames * (bins + deltas) * 40 + spectrogram
    vectors = len(small.model.pipeline[-1].support_vectors_)
    assert one.multiply_adds == pytest.approx(features + vectors * 723, rel=0.01)


def test_the_clock_starts_after_the_warm_up_and_runs_stop() -> None:
    system = Counting()
    result = profiling.measure_latency(system, 2.0, Effort(warmup=4, runs=6, fewest=2, seconds=60))
    assert result.runs == 6
    assert system.given == [(1, 32_000)] * 10
    system = Counting()
    result = profiling.measure_latency(system, 2.0, Effort(warmup=0, runs=6, fewest=2, seconds=0))
    assert result.runs == len(system.given) == 2


def test_throughput_is_of_eight_clips_at_once() -> None:
    system = Counting()
    result = profiling.measure_throughput(system, 0.5, QUICK)
    assert set(system.given) == {(8, 8000)}
    assert (result.batch, result.runs) == (8, len(system.given) - 1)


def test_percentiles_are_of_the_timed_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = [0.01 * i for i in range(1, 21)]
    monkeypatch.setattr(profiling, "_times", lambda *_: seconds)
    result = profiling.measure_latency(Counting(), 1.0, QUICK)
    assert result.p50_s == pytest.approx(0.105)
    assert result.p95_s == pytest.approx(0.1905)
    assert profiling.measure_throughput(Counting(), 2.0, QUICK).clips_per_s == pytest.approx(
        8 / 0.105
    )


def test_clips_are_the_same_each_time() -> None:
    one, again = profiling.clips(0.5, 2), profiling.clips(0.5, 2)
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not np.array_equal(one[0], one[1])
    assert one[0].dtype == np.float32


@pytest.mark.parametrize("clip_s", [0.0, -1.0, 31.0, float("nan")])
def test_a_length_out_of_range_is_refused(clip_s: float) -> None:
    with pytest.raises(MtlserError, match=r"allowed are 0.1 to 30 s"):
        profiling.profile(machine_of(16), "svm", "alone", clip_s, QUICK)


def test_an_unknown_system_is_refused() -> None:
    with pytest.raises(MtlserError, match="Counting: what it costs is not known"):
        profiling.profile(Counting(), "x", "alone", effort=QUICK)


def test_peak_memory_is_of_what_came_after_the_reset() -> None:
    cpu = torch.device("cpu")
    before = machine.reset_peak(cpu)
    if before is None:
        pytest.skip("this system does not let a process reset its peak memory")
    # Mapped and written by small pieces: an allocator may keep what was freed, and not grow.
    piece = bytes(range(1, 251)) * 4_000
    with mmap.mmap(-1, 320_000_000) as held:
        for _ in range(320):
            held.write(piece)
        assert machine.peak(cpu) - before > 0.9 * 320e6
    assert machine.peak(cpu) - before > 0.9 * 320e6
    machine.reset_peak(cpu)
    assert machine.peak(cpu) < before + 0.5 * 320e6


def test_a_row_is_of_the_length_that_was_timed() -> None:
    row = made_up("svm", "alone", 0.2).row()
    assert (row.clip_s, row.multiply_adds, row.flops) == (3.6, 21, 42)
    assert (row.latency_p50_s, row.latency_p95_s, row.throughput_per_s) == (0.2, 0.4, 10.0)
    assert (row.memory_mb, row.machine) == (2.5, "Chip, 1 of 2 cores, torch 2")
    assert made_up("svm", "in a pipeline", 0.2).row().machine == (
        "Chip, 1 of 2 cores, torch 2; other work may have run beside it"
    )


def test_a_cost_measured_alone_comes_before_one_from_a_pipeline(tmp_path: Path) -> None:
    given = [("svm", "in a pipeline"), ("mtlser", "in a pipeline"), ("svm", "alone")]
    folders = [tmp_path / str(i) for i in range(4)]
    for i, (folder, (system, measured)) in enumerate(zip(folders, given, strict=False)):
        folder.mkdir()
        write_json(folder / COST, made_up(system, measured, 0.1 * (i + 1)))
    result = cost_records.load(folders)
    assert [row.system for row in result] == ["mtlser", "svm"]
    assert [row.latency_p50_s for row in result] == pytest.approx([0.2, 0.3])
    assert cost_records.load(folders[3:]) == ()


def test_a_cost_folder_beside_the_cells_has_no_predictions_to_read(tmp_path: Path) -> None:
    write_json(tmp_path / COST, made_up("svm", "alone", 0.2))
    assert cost_records.only(tmp_path)
    (tmp_path / "predictions.jsonl").write_text("")
    assert not cost_records.only(tmp_path)
    assert cost_records.load([tmp_path / "predictions.jsonl"]) == ()
