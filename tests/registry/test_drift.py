"""Drift of a corpus from the champion's, measured and against second sources."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mtlser.errors import MtlserError
from mtlser.recipe import DriftRecipe
from mtlser.records import FOUR, Utterance
from mtlser.registry import drift
from mtlser.registry.drift_records import Measure
from tests.helpers.corpora import write_corpus

LIMITS = DriftRecipe()
Counts = st.dictionaries(st.sampled_from(FOUR), st.integers(1, 500), min_size=1)


def utterance(number: int, **others: object) -> Utterance:
    rng = np.random.default_rng(number)
    outcome: dict[str, Any] = {
        "id": f"u{number:05}", "corpus": "iemocap", "audio": "audio/a.flac",
        "audio_sha256": f"{number:064}", "duration_s": float(rng.gamma(4, 1)),
        "level_dbfs": float(rng.normal(-26, 4)), "emotion": FOUR[number % 4],
        "speaker": f"s{number % 10}", "gender": "F", "session": f"S{number % 5}",
        "dialogue": None, "recording": None, "style": None, "text": "YES", "language": "en",
    }  # fmt: skip
    return Utterance(**outcome | others)


def corpus(count: int = 400, start: int = 0, **others: object) -> list[Utterance]:
    return [utterance(number, **others) for number in range(start, start + count)]


CHAMPION = corpus()


def breaches(now: Sequence[Utterance], limits: DriftRecipe = LIMITS) -> dict[str, Measure]:
    result = drift.measures(CHAMPION, now, limits)
    return {measure.name: measure for measure in result if measure.breach}


def test_the_same_data_and_more_of_it_is_no_drift() -> None:
    assert breaches(CHAMPION) == {}
    assert all(measure.effect == 0 for measure in drift.measures(CHAMPION, CHAMPION, LIMITS))
    assert breaches(corpus(600)) == {}


@pytest.mark.parametrize(
    ("changed", "seen"),
    [
        ({"language": "de"}, "languages: de"),
        ({"corpus": "emodb"}, "corpus: emodb"),
        ({"text": None}, "filled fields: gender session"),
        ({"style": "scripted"}, "filled fields: gender session style text"),
        ({"emotion": "fear"}, "classes: fear"),
    ],
)
def test_another_schema_is_one_breach_each(changed: dict[str, object], seen: str) -> None:
    now = [utterance.model_copy(update=changed) for utterance in CHAMPION]
    result = breaches(now)["schema"]
    assert (result.effect, result.key) == (1, "max_schema_changes")
    assert seen in result.now
    assert "schema" not in breaches(now, DriftRecipe(max_schema_changes=1))


def test_other_sampling_is_a_breach() -> None:
    (result,) = drift.schema(CHAMPION, CHAMPION, LIMITS, "8000 Hz, 2 channels")
    assert result.breach
    assert result.now == "sampling: 8000 Hz, 2 channels"


def test_sampling_is_read_from_the_files(tmp_path: Path) -> None:
    built = write_corpus(tmp_path)
    assert drift.sampling(tmp_path, built) == drift.SAMPLING
    soundfile.write(tmp_path / "a.wav", np.zeros((8, 2)), 8000)
    other = built[1].model_copy(update={"audio": "a.wav"})
    outcome = drift.sampling(tmp_path, [built[0], other])
    assert outcome == "16000 Hz, 1 channel; 8000 Hz, 2 channels"
    gone = built[1].model_copy(update={"audio": "gone.flac"})
    with pytest.raises(MtlserError, match=r"gone\.flac: no audio"):
        drift.sampling(tmp_path, [gone])


def test_a_planted_class_shift_is_found_with_its_size() -> None:
    shifted = [u.model_copy(update={"emotion": "sad"}) if i % 4 == 1 and i < 360 else u
               for i, u in enumerate(CHAMPION)]  # fmt: skip
    result = breaches(shifted, DriftRecipe(max_changed_utterances=1))
    assert list(result) == ["class balance"]
    table = [[100, 100, 100, 100], [100, 10, 100, 190]]
    assert result["class balance"].p == pytest.approx(stats.chi2_contingency(table).pvalue)
    chi2 = stats.chi2_contingency(table).statistic
    assert result["class balance"].cramers_v == pytest.approx(np.sqrt(chi2 / 800))


def test_the_size_does_not_depend_on_how_many_there_are_and_p_does() -> None:
    """Why sizes are limits: the same small shift is anything from chance to certain by p."""

    def shifted(count: int) -> Measure:
        before = corpus(count)
        after = [u.model_copy(update={"level_dbfs": u.level_dbfs + 0.8}) for u in before]
        result = {m.name: m for m in drift.measures(before, after, LIMITS)}
        return result["level"]

    few, many = shifted(100), shifted(4000)
    assert few.p is not None
    assert many.p is not None
    assert few.p > 0.05
    assert many.p < 1e-6
    assert abs(few.effect - many.effect) < 0.06
    assert not many.breach


@pytest.mark.parametrize(("field", "by"), [("duration_s", 3.0), ("level_dbfs", -6.0)])
def test_a_planted_shift_is_the_distance_that_scipy_finds(field: str, by: float) -> None:
    shifted = [u.model_copy(update={field: getattr(u, field) + by}) for u in CHAMPION]
    name = field.partition("_")[0]
    result = breaches(shifted)
    assert list(result) == [name]
    before, after = ([getattr(u, field) for u in side] for side in (CHAMPION, shifted))
    tested = stats.ks_2samp(before, after)
    assert (result[name].effect, result[name].p) == pytest.approx((tested.statistic, tested.pvalue))
    allowed = DriftRecipe.model_validate({f"max_{name}_ks": 1.0})
    assert breaches(shifted, allowed) == {}


def test_a_bad_batch_that_a_large_corpus_hides_is_found_among_the_added() -> None:
    batch = corpus(40, 400, level_dbfs=-70.0)
    result = breaches([*CHAMPION, *batch])
    assert list(result) == ["level of 40 added"]
    assert result["level of 40 added"].key == "max_added_ks"
    few = [*CHAMPION, *batch[:20]]
    assert breaches(few) == {}
    shown = [m for m in drift.measures(CHAMPION, few, LIMITS) if m.name == "level of 20 added"]
    assert shown[0].effect > 0.9
    assert shown[0].limit is None


def test_lost_and_changed_utterances_and_lost_speakers_are_counted() -> None:
    retained = [u for u in CHAMPION if u.speaker not in {"s3", "s4"}]
    result = breaches(retained)
    assert result["lost speakers"].effect == pytest.approx(0.2)
    assert result["lost utterances"].effect == pytest.approx(0.2)
    relabelled = [u.model_copy(update={"text": "NO"}) if i < 100 else u
                  for i, u in enumerate(CHAMPION)]  # fmt: skip
    assert breaches(relabelled)["changed utterances"].effect == pytest.approx(0.25)


@given(Counts, Counts, st.integers(2, 50))
def test_the_stability_index_is_symmetric_and_zero_for_equal_shares(
    one: dict[str, int], other: dict[str, int], times: int
) -> None:
    index = drift.stability_index(one, other)
    assert index == pytest.approx(drift.stability_index(other, one))
    assert index >= 0
    assert drift.stability_index(one, one) == 0
    names = sorted(one.keys() | other.keys())
    p, q = (np.asarray([side.get(n, 0) + 0.5 for n in names]) for side in (one, other))
    second = stats.entropy(q, p) + stats.entropy(p, q)  # Jeffreys' divergence
    assert index == pytest.approx(second, abs=1e-12)


def test_an_empty_manifest_is_refused() -> None:
    with pytest.raises(MtlserError, match="new manifest has no utterance"):
        drift.measures(CHAMPION, [], LIMITS)
