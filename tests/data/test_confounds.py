"""What goes with the class without hearing speech, and what looks wrong with a corpus."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2_contingency, f_oneway

from mtlser.data import confounds, data_warnings, overview
from mtlser.data.clip_facts import ClipFacts
from mtlser.records import Utterance
from tests.helpers.utterances import utterance

CLASSES = ("angry", "neutral", "sad")


def corpus(count: int = 120, **changes: list[object]) -> list[Utterance]:
    """Utterances of three classes, six speakers, both genders; nothing goes with the class."""
    rng = np.random.default_rng(0)
    made = []
    for i in range(count):
        speaker = f"s{rng.integers(6)}"
        values = {
            "emotion": CLASSES[rng.integers(3)], "speaker": speaker,
            "gender": "FM"[int(speaker[1]) % 2], "duration_s": float(rng.uniform(1, 4)),
            "level_dbfs": float(rng.normal(-25, 3)), "text": f"SENTENCE {i}", "session": None,
            "dialogue": None, "recording": None, "style": None,
        }  # fmt: skip
        values |= {name: column[i] for name, column in changes.items()}
        made.append(utterance(f"u{i:04}").model_copy(update=values))
    return made


def facts_of(made: list[Utterance], **changes: Any) -> dict[str, ClipFacts]:
    plain: dict[str, Any] = {
        "rate_hz": 16_000, "channels": 1, "silent_channels": 0, "peak_dbfs": -3.0, "clipped": 0.0,
        "start_db": -60.0, "end_db": -60.0, "offset": 0.0,
    }  # fmt: skip
    return {u.id: ClipFacts(**{"id": u.id, **plain, **changes}) for u in made}


def test_cramers_v_is_bergsmas_of_scipys_chi_squared() -> None:
    rng = np.random.default_rng(1)
    classes = rng.choice(list("abc"), 200).tolist()
    names = [c if rng.random() < 0.4 else str(rng.choice(list("abcd"))) for c in classes]
    table = np.array([
        [sum(c == row and n == column for c, n in zip(classes, names, strict=True))
         for column in sorted(set(names))]
        for row in sorted(set(classes))
    ])  # fmt: skip
    r, k, n = *table.shape, table.sum()
    phi2 = chi2_contingency(table, correction=False).statistic / n
    phi2 = max(0, phi2 - (r - 1) * (k - 1) / (n - 1))
    smaller = min(k - (k - 1) ** 2 / (n - 1), r - (r - 1) ** 2 / (n - 1))
    expected = np.sqrt(phi2 / (smaller - 1))
    assert 0.2 < expected < 0.8
    assert confounds.cramers_v(classes, names) == pytest.approx(expected, abs=1e-4)


def test_eta_is_that_of_scipys_analysis_of_variance() -> None:
    rng = np.random.default_rng(2)
    groups = [rng.normal(mean, 1, size) for mean, size in ((0, 30), (0.5, 40), (2, 20))]
    f = f_oneway(*groups).statistic
    between, within = 2, 90 - 3
    expected = np.sqrt(f * between / (f * between + within))
    classes = [str(i) for i, group in enumerate(groups) for _ in group]
    assert confounds.eta(classes, np.concatenate(groups).tolist()) == pytest.approx(
        expected, abs=1e-4
    )


def test_nothing_goes_with_the_class_where_nothing_does() -> None:
    found = confounds.confounds(overview.of(corpus()))
    assert {each.property for each in found} == {
        "speaker", "gender", "transcript", "duration", "level"
    }  # fmt: skip
    assert all(each.effect < 0.2 for each in found)


@pytest.mark.parametrize(
    ("property_", "changes"),
    [
        ("gender", {"gender": lambda e: "M" if e == "angry" else "F"}),
        ("speaker", {"speaker": lambda e: f"only {e}"}),
        ("transcript", {"text": lambda e: f"I AM {e}"}),
        ("duration", {"duration_s": lambda e: 1.0 + CLASSES.index(e)}),
        ("level", {"level_dbfs": lambda e: -20.0 - 5 * CLASSES.index(e)}),
    ],
)
def test_what_gives_the_class_away_comes_first(property_: str, changes: dict) -> None:  # type: ignore[type-arg]
    made = corpus()
    made = [u.model_copy(update={k: v(u.emotion) for k, v in changes.items()}) for u in made]
    first = confounds.confounds(overview.of(made))[0]
    assert first.property == property_
    assert first.effect > 0.9


def kinds(made: list[Utterance], release_hz: int | None = None, **changes: object) -> list[str]:
    facts = facts_of(made, **changes)
    releases = {} if release_hz is None else {made[0].corpus: release_hz}
    columns = overview.of(made, facts)
    found = data_warnings.warnings(columns, confounds.confounds(columns), releases)
    assert all("\n" not in each.text and not each.text.endswith(".") for each in found)
    return [each.kind for each in found]


def test_a_sound_corpus_has_no_warning() -> None:
    assert kinds(corpus(), release_hz=16_000) == []
    assert data_warnings.warnings(overview.of(corpus()), ()) == ()


def test_each_thing_that_looks_wrong_is_said() -> None:
    made = corpus()
    assert kinds(made, release_hz=16_000, rate_hz=22_050) == ["sample rate"]
    assert kinds(made, end_db=-3.0) == ["cut off"]
    assert kinds(made, clipped=0.01) == ["clipping"]
    assert kinds(made, silent_channels=1) == ["silent channel"]
    equal = [u.model_copy(update={"duration_s": 2.0}) for u in made]
    assert kinds(equal) == ["equal lengths"]
    wordy = [u.model_copy(update={"text": "WORD " * 60}) for u in made[:1]] + made[1:]
    assert kinds(wordy) == ["transcript too long"]
    few = [u.model_copy(update={"text": "YES"}) for u in made]
    assert kinds(few) == ["few transcripts"]


def test_a_class_of_one_speaker_or_one_gender_is_said() -> None:
    made = corpus()
    men = [u.model_copy(update={"gender": "M"}) if u.emotion == "angry" else u for u in made]
    (warning,) = data_warnings.warnings(overview.of(men), ())
    angry = sum(u.emotion == "angry" for u in men)
    assert warning.kind == "one gender"
    assert f"all {angry} angry utterances are by men" in warning.text
    one = [u.model_copy(update={"speaker": "s0"}) if u.emotion == "sad" else u for u in made]
    assert "one speaker" in kinds(one)
    alone = [u.model_copy(update={"speaker": "s0", "gender": "F"}) for u in made]
    assert kinds(alone) == []  # one speaker in all: nothing that a class has alone


def test_a_recording_that_goes_with_the_class_is_said() -> None:
    made = corpus()
    loud = [u.model_copy(update={"level_dbfs": -20.0 - 9 * (u.emotion == "sad")}) for u in made]
    assert kinds(loud) == ["level by class"]
    facts = facts_of(made)
    other = {
        u.id: replace(facts[u.id], rate_hz=8_000) if u.emotion == "sad" else
        facts[u.id] for u in made
    }  # fmt: skip
    columns = overview.of(made, other)
    found = data_warnings.warnings(columns, confounds.confounds(columns))
    assert [each.kind for each in found] == ["sample rate by class"]
