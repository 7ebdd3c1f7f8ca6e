"""What every reader promises, on made-up releases in each corpus' true layout."""

from pathlib import Path

import pytest

from mtlser.data import corpora, ingest_report, manifest, measured
from mtlser.data.corpora import Item
from mtlser.errors import MtlserError
from mtlser.recipe import load
from mtlser.records import FOUR, Utterance, read_json, read_jsonl
from tests.helpers.corpus_releases import read
from tests.helpers.corpus_tree import HIDDEN
from tests.helpers.corpus_trees import TREES, write_release

FIXED = [name for name, corpus in corpora.CORPORA.items() if not corpus.generic]
"""Corpora that have one layout; the others read whatever a user has."""
WORDS = {
    "neutral", "calm", "happy", "excited", "sad", "angry", "frustrated", "fearful", "disgusted",
    "surprised", "bored", "contempt", "other", "anxious", "apologetic", "assertive", "concerned",
    "encouraging",
}  # fmt: skip
"""One for each emotion, so that corpora can be compared."""


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("releases")
    return {name: write_release(name, root / name) for name in FIXED}


def by_path(release: Path, items: list[Item]) -> dict[str, Item]:
    return {item.path.relative_to(release).as_posix(): item for item in items if item.path}


@pytest.mark.parametrize("name", TREES)
def test_every_file_is_read_or_left_out_with_its_reason(
    name: str, releases: dict[str, Path]
) -> None:
    tree, items = TREES[name], read(name, releases[name])
    found = by_path(releases[name], items)
    assert len(found) == len([item for item in items if item.path])
    reasons = {path: why for path, why in tree.left_out.items() if why != HIDDEN}
    files = {path: i.left_out for path, i in found.items() if (releases[name] / path).is_file()}
    assert files == {**dict.fromkeys(tree.kept), **reasons}
    others = {i.id: i.left_out for i in items if i.path is None or not i.path.is_file()}
    assert others == tree.absent


@pytest.mark.parametrize("name", TREES)
def test_labels_speakers_and_the_rest_are_as_the_release_writes_them(
    name: str, releases: dict[str, Path]
) -> None:
    found = by_path(releases[name], read(name, releases[name]))
    for path, fields in TREES[name].kept.items():
        assert {key: getattr(found[path], key) for key in fields} == fields, path


@pytest.mark.parametrize("name", FIXED)
def test_ids_are_unique_and_stable(name: str, releases: dict[str, Path]) -> None:
    items = read(name, releases[name])
    kept = [item.id for item in items if item.left_out is None]
    assert kept
    assert len(kept) == len(set(kept))
    assert read(name, releases[name]) == items


@pytest.mark.parametrize("name", FIXED)
def test_every_label_has_a_plain_name(name: str, releases: dict[str, Path]) -> None:
    naming = corpora.corpus(name).naming
    labels = {item.label for item in read(name, releases[name]) if item.label}
    assert labels <= naming.plain.keys()
    assert set(naming.plain.values()) <= WORDS
    four = naming.four or {}
    assert set(four.values()) in ({*FOUR}, set())
    assert four.keys() <= naming.plain.keys()


@pytest.mark.parametrize("name", FIXED)
def test_a_speaker_has_one_gender_and_the_name_of_the_corpus(
    name: str, releases: dict[str, Path]
) -> None:
    genders: dict[str, set[str | None]] = {}
    for item in read(name, releases[name]):
        if item.speaker is not None:
            genders.setdefault(item.speaker, set()).add(item.gender)
    assert all(len(each) == 1 for each in genders.values())
    prefix = "Ses0" if name == "iemocap" else f"{name}_"
    assert all(speaker.startswith(prefix) for speaker in genders)


@pytest.mark.parametrize("name", FIXED)
def test_the_folder_around_the_release_will_do(name: str, releases: dict[str, Path]) -> None:
    corpus = corpora.corpus(name)
    below = TREES[name].folder if name in TREES else "."
    assert corpus.find(releases[name]) == releases[name] / below
    assert corpus.find(releases[name].parent) == releases[name] / below
    assert read(name, releases[name].parent) == read(name, releases[name])


@pytest.mark.parametrize("name", FIXED)
def test_no_other_reader_takes_it(name: str, releases: dict[str, Path]) -> None:
    title = corpora.corpus(name).title
    for other in FIXED:
        if other != name:
            with pytest.raises(MtlserError, match=f"it is {title}: run `mtlser .*--corpus {name} "):
                read(other, releases[name])


@pytest.mark.parametrize("name", FIXED)
def test_ingest_keeps_what_was_read(name: str, releases: dict[str, Path], tmp_path: Path) -> None:
    sets = (f"data.corpus={name}", "labels.classes=all", "data.max_faulty=1")
    manifest.build(load("demo", sets), [releases[name]], tmp_path)
    items = read(name, releases[name])
    report = read_json(tmp_path / manifest.REPORT, ingest_report.IngestReport)
    assert report.seen == len(items)
    utterances = list(read_jsonl(tmp_path / measured.MANIFEST, Utterance))
    kept = {i.id: i for i in items if i.left_out is None and i.path and i.path.is_file()}
    assert {u.id: (u.label, u.speaker, u.partition, u.ratings) for u in utterances} == {
        i.id: (i.label, i.speaker, i.partition, i.ratings) for i in kept.values()
    }
    plain = corpora.corpus(name).naming.plain
    assert {u.emotion for u in utterances} == {plain[i.label or ""] for i in kept.values()}
