"""What ingest measures of each recording, beside the manifest."""

import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mtlser import runtime, stages
from mtlser.data import (
    audio,
    clip_facts,
    clips,
    corpora,
    corpus_labels,
    ingest_outcomes,
    ledger,
    outcome,
)
from mtlser.data.clip_facts import Facts
from mtlser.data.fingerprints import Spilled
from mtlser.data.measured import UnderWay
from mtlser.errors import MtlserError
from mtlser.recipe import load
from mtlser.records import Utterance, read_jsonl
from mtlser.storage import custody, layout
from tests.helpers.corpus_releases import write_iemocap


def tone(peak: float = 0.5, rate_hz: int = 16_000) -> np.ndarray:
    return peak * np.sin(2 * np.pi * 500 * np.arange(rate_hz) / rate_hz)


def facts(path: Path, wav: np.ndarray, rate_hz: int = 16_000) -> Facts:
    soundfile.write(path, wav, rate_hz, "FLOAT")
    found = audio.decode(path).facts
    assert found is not None
    return found


def test_the_facts_of_a_clip(tmp_path: Path) -> None:
    wav = np.stack([tone(rate_hz=44_100)] * 2, axis=1)
    found = facts(tmp_path / "a.wav", wav, 44_100)
    assert (found.rate_hz, found.channels, found.silent_channels) == (44_100, 2, 0)
    assert found.peak_dbfs == pytest.approx(-6.02, abs=0.05)
    assert (found.clipped, abs(found.offset) < 1e-6) == (0, True)


def test_speech_that_runs_into_an_end_is_told_from_speech_with_a_pause(tmp_path: Path) -> None:
    wav = tone()
    wav[-800:] = 0
    found = facts(tmp_path / "a.wav", wav)
    assert found.start_db == pytest.approx(0, abs=0.5)
    assert found.end_db == clip_facts.LOWEST_DB
    wav[-800:] = 0.001 * tone()[:800]
    assert facts(tmp_path / "a.wav", wav).end_db == pytest.approx(-60, abs=0.5)


@pytest.mark.parametrize("clipped", [0, 40, 1_600])
def test_the_share_of_clipped_samples(tmp_path: Path, clipped: int) -> None:
    wav = tone()
    wav[:clipped] = np.resize([1.0, -1.0], clipped)
    assert facts(tmp_path / "a.wav", wav).clipped == clipped / 16_000


@pytest.mark.parametrize("offset", [0.0, 0.01, 0.3])
def test_the_offset_that_was_found(tmp_path: Path, offset: float) -> None:
    found = facts(tmp_path / "a.wav", tone(0.4) + offset)
    assert found.offset == pytest.approx(offset, abs=1e-4)
    assert found.peak_dbfs == pytest.approx(20 * np.log10(0.4 + (offset == 0.01) * offset), abs=0.1)


def test_ingest_writes_them_beside_the_manifest_and_seals_them(tmp_path: Path) -> None:
    recipe = load("demo", (f'data.root="{write_iemocap(tmp_path)}"',))
    folder = tmp_path / "out"
    stages.ingest(recipe, str(folder))
    utterances = list(read_jsonl(folder / layout.MANIFEST, Utterance))
    found = clip_facts.read(folder)
    assert found is not None
    for each, own in zip(utterances, found, strict=True):
        peak = np.abs(clips.load(folder, each)).max()
        assert own.id == each.id
        assert own.peak_dbfs == pytest.approx(20 * np.log10(peak), abs=0.01)
    assert clip_facts.CLIPS == layout.CLIPS
    sealed = custody.read(folder)
    assert sealed is not None and layout.CLIPS in sealed.files
    lines = (folder / layout.CLIPS).read_text().replace('"channels":1', '"channels":2')
    (folder / layout.CLIPS).write_text(lines)
    with pytest.raises(MtlserError, match=layout.CLIPS):
        custody.verified(folder)


def test_a_corpus_folder_of_before_has_none(tmp_path: Path) -> None:
    assert clip_facts.read(tmp_path) is None
    (tmp_path / layout.CLIPS).write_text('{"id": 1}\n')
    with pytest.raises(MtlserError, match=layout.CLIPS):
        list(clip_facts.read(tmp_path) or ())


def test_ingest_takes_the_channel_of_the_recipe_and_says_which_are_silent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    release = write_iemocap(tmp_path)
    path = next(release.rglob("Ses01F_impro01_F000.wav"))
    wav_n, rate_hz = soundfile.read(path)
    soundfile.write(path, np.stack([wav_n, 0 * wav_n], axis=1), rate_hz)
    levels = {}
    for policy in ("mix", "left"):
        folder = tmp_path / policy
        recipe = load("demo", (f'data.root="{release}"', f'data.channels="{policy}"'))
        stages.ingest(recipe, str(folder))
        utterances = read_jsonl(folder / layout.MANIFEST, Utterance)
        levels[policy] = next(u.level_dbfs for u in utterances if u.id == path.stem)
    assert levels["left"] - levels["mix"] == pytest.approx(6.02, abs=0.05)
    assert f"1 recordings have a channel without sound (first: {path.stem})" in caplog.text


def test_ingest_cuts_utterances_out_of_one_recording(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    samples_n = np.random.default_rng(0).integers(-8_000, 8_000, 48_000).astype(np.int16)
    soundfile.write(path, samples_n, 16_000)
    recipe = load("demo", ())
    items = [
        corpora.Item(id=f"u{index}", path=path, label="neu", start_s=start_s, end_s=end_s)
        for index, (start_s, end_s) in enumerate([(2, 3), (0, 1), (2.5, 9), (1, 2), (None, None)])
    ]

    with ledger.opened(tmp_path) as book:
        source = corpus_labels.Labelled(
            data=recipe.data,
            root=tmp_path,
            corpus=corpora.corpus("iemocap"),
            items=corpus_labels.Items(book, book.add(items)),
            found=Counter(),
            classes={"neu": "neutral"},
        )
        writer, words = clips.Writer(tmp_path), Spilled(io.BytesIO())
        under_way = UnderWay(None, tmp_path, book, words)
        places = ingest_outcomes.Places(book, (), writer, words, under_way)
        ingest_outcomes.decide(source, places, runtime.Progress("ingest", lambda *_: None))
        found = list(book.outcomes(source.items.span))
    assert [item.id for item, _ in found] == ["u0", "u1", "u2", "u3", "u4"]
    faulty = found[2][1]
    assert faulty.faulty and "from 2.5 to 9 s of a recording of 3 s" in str(faulty.detail)
    shards = writer.close()
    for index, first in ((0, 32_000), (1, 0), (3, 16_000)):
        item, decided = found[index]
        assert decided.kept is not None
        placed = outcome.utterance(item, decided.kept, shards[decided.kept.audio_sha256])
        cut_n = clips.samples(tmp_path, placed)
        np.testing.assert_array_equal(cut_n, samples_n[first : first + 16_000])
    whole = found[4][1].kept
    assert whole is not None and whole.duration_s == 3
