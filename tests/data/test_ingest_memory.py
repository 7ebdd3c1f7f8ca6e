"""Ingest holds a few clips at a time: what it needs in memory hardly grows with the corpus."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mtlser import stages
from mtlser.data import clips, ledger, tensors
from mtlser.data.corpora import Item
from mtlser.data.corpora.base import below
from mtlser.data.disk_map import DiskMap, database
from mtlser.recipe import load
from mtlser.reporting import corpus_page

FEW, MANY = 250, 1_000
MOST_BYTES = 500
"""Of memory that one more clip may take, with so few of them; of many it is less."""


def made_up(folder: Path, count: int) -> Path:
    """Recordings of 10 ms, each of its own, and their table."""
    folder.mkdir()
    lines = ["file,emotion,speaker,text"]
    rng = np.random.default_rng(0)
    for i in range(count):
        samples_n = rng.integers(-9000, 9000, 160).astype(np.int16)
        soundfile.write(folder / f"c{i:05}.wav", samples_n, 16_000)
        lines.append(f"c{i:05}.wav,{('sad', 'calm')[i % 2]},s{i % 7},sentence {i}")
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder


def peak_bytes(root: Path, out: Path) -> int:
    """The most bytes that Python holds at once during an ingest."""
    recipe = load("own", (f"data.root={root}",))
    tracemalloc.start()
    try:
        stages.ingest(recipe, str(out))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def peaks(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], int]:
    """Peaks of a first and of a second ingest, by number of clips."""
    folder = tmp_path_factory.mktemp("memory")
    found = {}
    roots = {count: made_up(folder / f"in{count}", count) for count in (FEW, MANY)}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(clips, "SHARD_BYTES", 50 * 320)  # those of one shard are in memory
        patched.setattr(corpus_page, "write", lambda folder: None)  # takes more than so few clips
        peak_bytes(roots[FEW], folder / "warm")  # imports what is needed
        for count, root in roots.items():
            for what in ("first", "again"):
                found[what, count] = peak_bytes(root, folder / f"out{count}")
    return found


@pytest.mark.parametrize("what", ["first", "again"])
def test_memory_of_an_ingest_hardly_grows_with_the_corpus(
    peaks: dict[tuple[str, int], int], what: str
) -> None:
    grown = (peaks[what, MANY] - peaks[what, FEW]) / (MANY - FEW)
    assert grown < MOST_BYTES, f"{grown:.0f} bytes a clip"


def test_a_dictionary_on_the_disk_is_one_in_order() -> None:
    with database() as connection:
        names = DiskMap[list[int]](connection, "names")
        names.update({"b": [1], "ä": [2], "\udce9": [3], "a": [4]})
        names["b"] = [5]
        assert list(names.items()) == [("a", [4]), ("b", [5]), ("ä", [2]), ("\udce9", [3])]
        del names["ä"]
        assert len(names) == 3 and "ä" not in names
        for absent in (names.__getitem__, names.__delitem__):
            with pytest.raises(KeyError):
                absent("ä")


def test_a_ledger_gives_items_back_and_leaves_nothing(tmp_path: Path) -> None:
    whole = Item(
        id="a", path=Path("caf\udce9.wav"), label="sad", speaker="s", gender="F", text="Ü",
        language="de", partition="test", start_s=0.1, end_s=2.5, ratings={"valence": 1 / 3},
        embedded=lambda: b"content",
    )  # fmt: skip
    items = [whole, Item(id="b", path=None, label=None, left_out="why", detail="\udce9")]
    with ledger.opened(tmp_path) as book:
        span = book.add(items)
        assert [item for _, item in book.items(span)] == items
        embedded = next(book.items(span))[1].embedded
        assert embedded is not None and embedded() == b"content"
        assert list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())


def test_files_come_in_the_order_of_their_paths(tmp_path: Path) -> None:
    for name in ("b/a.wav", "b/c/d.wav", "b.wav", "a", "b-/x.wav", "B/y.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to(tmp_path / "b")
    assert list(below(tmp_path)) == sorted(tmp_path.rglob("*"))


@pytest.mark.parametrize("content", [b"", b"\xff" * 9, b"\2\0\0\0\0\0\0\0[]", b"\1" + b"\0" * 7])
def test_what_is_no_safetensors_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with (
        (tmp_path / "a").open("rb") as file,
        pytest.raises(ValueError, match=r"header|Expecting|decode"),
    ):
        tensors.places(file)
