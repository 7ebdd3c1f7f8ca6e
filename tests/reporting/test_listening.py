"""Misclassified clips as audio in the page."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mtlser.errors import MtlserError
from mtlser.evaluation import gathering
from mtlser.records import CLEAN, SAMPLE_RATE_HZ
from mtlser.reporting import listening, page
from tests.helpers.factories import make_plan, make_predictions
from tests.helpers.listening import make_corpus
from tests.helpers.pages import Elements, make_context, make_scores

PLAN = make_plan(folds=3, per_fold=30)
PREDICTIONS = make_predictions(PLAN, "mtlser", 0.7)
COLUMNS = gathering.columns(PREDICTIONS)
WRONG = [
    p
    for p in PREDICTIONS
    if (p.split, p.condition) == ("test", CLEAN) and p.emotion_predicted != p.emotion_true
]


def clips(folder: Path, count: int, seconds: float = 0.5) -> tuple[listening.Clip, ...]:
    manifest = make_corpus(folder, PREDICTIONS, seconds)
    return listening.clips(COLUMNS, "mtlser", PLAN, folder, manifest, count)


def test_the_most_confident_mistake_of_each_class_comes_before_any_second(tmp_path: Path) -> None:
    chosen = clips(tmp_path, 8)
    assert len({clip.truth for clip in chosen[:4]}) == 4
    by_id = {p.utterance_id: p for p in WRONG}
    for clip in chosen:
        built = by_id[clip.utterance]
        assert (clip.truth, clip.predicted) == (built.emotion_true, built.emotion_predicted)
        assert clip.confidence == pytest.approx(built.emotion_probabilities[clip.predicted])
        assert (clip.speaker, clip.fold) == (built.speaker_true, built.utterance_id[:5])
    for first in chosen[:4]:
        best = max(
            p.emotion_probabilities[p.emotion_predicted]
            for p in WRONG
            if p.emotion_true == first.truth
        )
        assert first.confidence == pytest.approx(best)


def test_all_mistakes_are_there_where_fewer_than_asked_for(tmp_path: Path) -> None:
    chosen = clips(tmp_path, listening.MOST_CLIPS)
    assert sorted(clip.utterance for clip in chosen) == sorted(p.utterance_id for p in WRONG)


def test_audio_is_the_beginning_of_the_clip_and_decodes(tmp_path: Path) -> None:
    (clip,) = clips(tmp_path, 1, seconds=6.0)
    assert (clip.duration_s, clip.played_s) == (6.0, listening.LONGEST_S)
    kind, _, content = clip.audio.partition(",")
    assert kind == "data:audio/flac;base64"
    wav_n, rate_hz = soundfile.read(io.BytesIO(base64.b64decode(content)), dtype="float32")
    whole_n, _ = soundfile.read(tmp_path / "tone.flac", dtype="float32")
    assert rate_hz == SAMPLE_RATE_HZ
    np.testing.assert_array_equal(wav_n, whole_n[: len(wav_n)])
    assert len(wav_n) == listening.LONGEST_S * SAMPLE_RATE_HZ


def test_noise_cannot_exceed_the_stated_size(tmp_path: Path) -> None:
    noise_n = np.random.default_rng(0).uniform(-1, 1, int(5 * SAMPLE_RATE_HZ))
    manifest = make_corpus(tmp_path, PREDICTIONS, 5.0, noise_n)
    (clip,) = listening.clips(COLUMNS, "mtlser", PLAN, tmp_path, manifest, 1)
    assert len(clip.audio) * listening.MOST_CLIPS <= listening.MOST_BYTES


def test_what_cannot_be_listened_to_is_one_sentence(tmp_path: Path) -> None:
    manifest = make_corpus(tmp_path, PREDICTIONS, 0.5)
    listening.check(0, None, False)
    listening.check(3, tmp_path, True)
    for count, corpus, known in ((3, None, False), (3, tmp_path, False), (51, tmp_path, True)):
        with pytest.raises(MtlserError, match=f"--listen {count}: "):
            listening.check(count, corpus, known)
    with pytest.raises(MtlserError, match=r"--listen -1: expected 0 to 50"):
        listening.check(-1, tmp_path, True)
    with pytest.raises(MtlserError, match="not in the manifest"):
        listening.clips(COLUMNS, "mtlser", PLAN, tmp_path, {}, 1)
    (tmp_path / "tone.flac").unlink()
    with pytest.raises(MtlserError, match=r"tone\.flac: no audio that can be read"):
        listening.clips(COLUMNS, "mtlser", PLAN, tmp_path, manifest, 1)


def test_the_page_embeds_clips_and_fetches_nothing(tmp_path: Path) -> None:
    scores, chosen = make_scores(PLAN), clips(tmp_path, 4)
    silent = page.render(scores, make_context())
    html = page.render(scores, make_context(), chosen)
    assert "<audio" not in silent
    assert "media-src" not in silent
    assert "media-src data:" in html
    elements = Elements(html)
    assert elements.open == []
    sources = [a["src"] for _, a in elements.seen if "src" in a]
    assert sources == [clip.audio for clip in chosen]
    assert html.count("data:audio/") == len(chosen), "audio is in the page once"
    for clip in chosen:
        for part in (clip.utterance, clip.speaker, clip.truth, clip.predicted):
            assert part in html
