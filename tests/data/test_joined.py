"""Several corpora in one recipe: read as one, kept apart by name, and tested on one another."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import soundfile

from mtlser.data import folds, manifest, preview
from mtlser.data.ingest_report import IngestReport
from mtlser.errors import MtlserError
from mtlser.recipe import Recipe, dumps, load
from mtlser.records import Utterance, read_json, read_jsonl
from tests.helpers.corpus_releases import speech

JOINED = """
name = "joined"
[[data]]
corpus = "table"
name = "calls"
root = "calls"
[[data]]
corpus = "table"
name = "studio"
root = "studio"
[labels]
classes = "all"
[split]
protocol = "cross"
"""


def recipe(*sets: str) -> Recipe:
    return load(JOINED, sets)


def write(root: Path, seeds: Sequence[int], speakers: int = 4) -> None:
    """A table of two classes; the samples of a clip are those of its seed."""
    root.mkdir()
    lines = ["file,emotion,speaker,session"]
    for i, seed in enumerate(seeds):
        soundfile.write(root / f"{i}.wav", speech(seed), 16_000)
        lines.append(f"{i}.wav,{('calm', 'angry')[i // 2 % 2]},s{i % speakers},one")
    (root / "labels.csv").write_text("\n".join(lines))


def ingested(folder: Path, *sets: str) -> tuple[list[Utterance], IngestReport]:
    roots = [folder / name for name in ("calls", "studio")]
    manifest.build(recipe(*sets), roots, folder / "out")
    utterances = list(read_jsonl(folder / "out" / "manifest.jsonl", Utterance))
    return utterances, read_json(folder / "out" / "ingest.json", IngestReport)


@pytest.fixture
def two(tmp_path: Path) -> Path:
    write(tmp_path / "calls", range(16))
    write(tmp_path / "studio", range(100, 124), speakers=3)
    return tmp_path


def test_what_has_one_name_in_two_corpora_stays_two(two: Path) -> None:
    utterances, report = ingested(two)
    assert (report.corpus, report.by_corpus) == ("calls+studio", {"calls": 16, "studio": 24})
    assert len({u.id for u in utterances}) == 40
    assert {u.speaker for u in utterances} == {
        *(f"calls/s{n}" for n in range(4)), *(f"studio/s{n}" for n in range(3)),
    }  # fmt: skip
    assert {u.session for u in utterances} == {"calls/one", "studio/one"}
    assert {u.corpus for u in utterances} == {"calls", "studio"}


def test_one_corpus_alone_has_its_names_as_they_are(two: Path) -> None:
    alone = load("own", ("labels.classes=all",))
    manifest.build(alone, [two / "calls"], two / "alone")
    utterances = list(read_jsonl(two / "alone" / "manifest.jsonl", Utterance))
    assert {u.speaker for u in utterances} == {f"s{n}" for n in range(4)}


def test_a_recording_in_two_corpora_is_reported(tmp_path: Path) -> None:
    write(tmp_path / "calls", range(16))
    write(tmp_path / "studio", [100, 3, *range(101, 115)])
    _, report = ingested(tmp_path)
    (warning,) = [each for each in report.warnings if each.kind == "in two corpora"]
    assert warning.count == 2
    assert "calls/3.wav and studio/1.wav" in warning.text


def test_a_class_of_one_corpus_alone_is_reported(two: Path) -> None:
    table = two / "studio" / "labels.csv"
    table.write_text(table.read_text().replace("calm", "bored"))
    _, report = ingested(two)
    found = {each.text.split(" of ")[0] for each in report.warnings if each.kind == "one corpus"}
    assert found == {"all 12 bored utterances are", "all 8 calm utterances are"}
    effects = {each.property: each.effect for each in report.confounds}
    assert effects["corpus"] > 0.5


def test_one_person_in_two_corpora_can_be_named(two: Path) -> None:
    merged = 'data.1.merge_speakers=[["s0", "calls/s1"]]'
    utterances, _ = ingested(two, merged)
    assert "calls/s1" not in {u.speaker for u in utterances}
    assert sum(u.speaker == "studio/s0" for u in utterances) == 8 + 4
    with pytest.raises(MtlserError, match="no speaker 'calls/s9'; there are calls/s0"):
        ingested(two, 'data.1.merge_speakers=[["s0", "calls/s9"]]')


def test_cross_tests_on_each_corpus_and_validates_on_speakers_of_the_others(two: Path) -> None:
    utterances, _ = ingested(two)
    by_id = {u.id: u for u in utterances}
    plan = folds.plan(utterances, recipe())
    assert [fold.name for fold in plan.folds] == ["calls", "studio"]
    assert not plan.leaks
    for fold in plan.folds:
        assert {by_id[name].corpus for name in fold.test} == {fold.name}
        assert len(fold.test) == sum(u.corpus == fold.name for u in utterances)
        trained = {by_id[name].speaker for name in (*fold.train, *fold.speaker_check)}
        validated = {by_id[name].speaker for name in fold.validation}
        assert validated
        assert not validated & trained
        assert all(by_id[name].corpus != fold.name for name in (*fold.train, *fold.validation))


def test_cross_tests_on_the_named_corpora_alone(two: Path) -> None:
    utterances, _ = ingested(two)
    plan = folds.plan(utterances, recipe('split.test_corpora=["studio"]'))
    assert [fold.name for fold in plan.folds] == ["studio"]
    folds.check(plan, utterances)
    with pytest.raises(MtlserError, match="no corpus 'radio' in the manifest, which has calls, s"):
        folds.plan(utterances, recipe('split.test_corpora=["radio"]'))


def test_a_person_on_both_sides_of_cross_is_refused(two: Path) -> None:
    utterances, _ = ingested(two, 'data.1.merge_speakers=[["s0", "calls/s1"]]')
    with pytest.raises(MtlserError, match="is by studio/s0, who is also in train"):
        folds.plan(utterances, recipe())


def test_a_class_that_one_corpus_lacks_is_refused_with_those_that_all_have(two: Path) -> None:
    for name, other in (("calls", "bored"), ("studio", "sad")):
        table = two / name / "labels.csv"
        head, *rows = table.read_text().splitlines()
        rows[:4] = [row.replace("calm", other) for row in rows[:4]]
        table.write_text("\n".join([head, *rows]))
    utterances, _ = ingested(two)
    with pytest.raises(MtlserError, match=r"--set \"labels.classes=\['angry', 'calm'\]\"`"):
        folds.plan(utterances, recipe())


def test_cross_needs_two_corpora(two: Path) -> None:
    utterances = [u for u in ingested(two)[0] if u.corpus == "calls"]
    with pytest.raises(MtlserError, match=r"all utterances are of calls, .* two sections \[\[data"):
        folds.plan(utterances, recipe())


def test_a_corpus_of_which_nothing_is_left_is_named(two: Path) -> None:
    with pytest.raises(MtlserError, match=r"studio: 24 items, none of the recipe's classes"):
        ingested(two, "data.1.min_duration_s=5")


def test_a_label_may_be_mapped_that_one_corpus_alone_has(two: Path) -> None:
    table = two / "studio" / "labels.csv"
    table.write_text(table.read_text().replace("calm", "serene"))
    utterances, _ = ingested(two, "labels.map.serene=calm")
    assert {u.emotion for u in utterances} == {"calm", "angry"}
    with pytest.raises(MtlserError, match="no label 'sereen' in the corpora; their labels are an"):
        ingested(two, "labels.map.sereen=calm")


def test_the_preview_counts_all_corpora(two: Path) -> None:
    found = preview.preview(recipe(), [two / "calls", two / "studio"])
    assert (found.corpus, found.kept, found.speakers) == ("calls+studio", 40, 7)
    assert found.columns["studio: label"] == "emotion"
    assert found.protocol == "cross"
    assert (
        preview.preview(recipe("split.protocol=loso"), [two / "calls", two / "studio"]).protocol
        == "loso"
    )


def test_several_sections_are_read_written_and_set_by_number() -> None:
    joined = recipe("data.1.root=elsewhere", "data.0.language=de")
    assert joined.roots == {"data.0.root": "calls", "data.1.root": "elsewhere"}
    assert (joined.data.language, joined.joined[0].language) == ("de", None)
    assert load(dumps(joined)) == joined
    assert joined.hash == recipe("data.0.language=de").hash != recipe().hash


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("data.root=x", "the recipe joins 2 corpora; name the one that is meant by its number"),
        ("data.2.root=x", r"for example `--set data\.1\.root="),
        ("data.1.rot=x", "unknown key 'data.1.rot'; did you mean 'root'"),
        ("data.1.max_faulty=3", "data.1.max_faulty = 3: "),
        ("data.1.name=calls", "two sections .*are called 'calls'"),
        ("data=[]", "expected one section"),
        ("joined=[]", "corpora are joined by several sections"),
    ],
)
def test_what_is_wrong_in_one_of_several_sections_is_named(override: str, sentence: str) -> None:
    with pytest.raises(MtlserError, match=sentence):
        recipe(override)
