"""Whatever else lies among a corpus' recordings is counted once, and published counts add up."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlser.data import corpora
from tests.helpers.corpus_releases import read
from tests.helpers.corpus_trees import TREES, write_release

FOLDERS = st.sampled_from(["", "sub/", "sub/deep/", ".hidden/"])
STEMS = st.sampled_from(["notes", "a b", "é", "\udcff", "._x", "03a01Fa", "a01", "OAF_x_sad", ""])
"""The last is the name of a recording that the release has."""
ENDINGS = st.sampled_from([".wav", ".WAV", ".flac", ".mp3", ".csv", "", ".wav.bak"])
STRAYS = st.sets(st.tuples(FOLDERS, STEMS, ENDINGS), max_size=8)


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("releases")
    return {name: write_release(name, root / name) for name in TREES}


@pytest.mark.parametrize("name", TREES)
@settings(max_examples=25)
@given(drawn=STRAYS)
def test_every_stray_file_is_counted_once(
    name: str, releases: dict[str, Path], drawn: set[tuple[str, str, str]]
) -> None:
    present = releases[name] / next(iter(TREES[name].kept))
    strays = [
        present.parent / f"{folder}{stem or present.stem}{ending}"
        for folder, stem, ending in sorted(drawn)
    ]
    added = [path for path in strays if not path.exists()]
    try:
        for path in added:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
        items = read(name, releases[name])
    finally:
        for path in added:
            path.unlink(missing_ok=True)
    counted = Counter(item.path for item in items)
    for path in added:
        within = path.relative_to(releases[name]).parts
        hidden = any(part.startswith(".") for part in within)
        assert counted[path] == (0 if hidden else 1), path
    kept = [item.id for item in items if item.left_out is None]
    assert len(kept) == len(set(kept))
    assert all(item.id.encode() and (item.label or item.left_out) for item in items)


def test_published_counts_by_class_and_speaker_add_up() -> None:
    for corpus in corpora.CORPORA.values():
        if corpus.release is not None:
            total = sum(corpus.release.by_emotion.values())
            assert corpus.release.fewest_labelled <= total, corpus.name
            if corpus.release.by_speaker:
                assert sum(corpus.release.by_speaker.values()) == total, corpus.name
            assert set(corpus.release.by_emotion) == set((corpus.naming.four or {}).values())
