"""The page that describes a corpus."""

import re
from pathlib import Path

import pytest

from mtlser import stages
from mtlser.recipe import load
from mtlser.reporting import corpus_page
from tests.helpers.corpus_releases import write_recordings


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus folder made from a table with an odd label and two files that are left out."""
    root = tmp_path_factory.mktemp("recordings")
    write_recordings(root, 24)
    (root / "stray <b>.mp3").write_bytes(b"")
    with (root / "labels.csv").open("a") as file:
        file.write("\n../elsewhere.wav,calm,S1,f,words")
    out = root.parent / "corpus"
    stages.ingest(load("own", (f"data.root={root}",)), str(out))
    return out


def test_the_page_holds_what_the_corpus_holds(corpus: Path) -> None:
    html = (corpus / "corpus.html").read_text()
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.partition("<script")[0]))
    assert "24 of 26 files are utterances" in text
    for word in ("calm", "Frustrated", "S11", "file outside the corpus folder"):
        assert word in text
    assert "audio file that the table does not name" in text
    assert text.count("Utterance calm/") + text.count("Utterance Frustrated/") == 10
    assert "stray &lt;b&gt;.mp3" in html
    assert "<b>.mp3" not in html
    assert not re.search(r"(src|href)=.http", html.partition("<script")[0])


def test_what_looks_wrong_stands_at_the_head(corpus: Path) -> None:
    head = (corpus / "corpus.html").read_text().partition("<main")[0]
    assert "Look at this first" in head
    assert "Equal lengths." in head  # all made-up recordings last 0.4 s


def test_the_same_corpus_gives_the_same_bytes(corpus: Path) -> None:
    assert corpus_page.render(corpus) == (corpus / "corpus.html").read_text()


def test_every_figure_has_its_numbers_as_a_table(corpus: Path) -> None:
    html = corpus_page.render(corpus)
    figures = re.findall(r'<figure id="([^"]+)"', html)
    assert {"level-by-class", "level-by-speaker"} <= set(figures)
    assert "duration-by-class" not in figures  # nothing to be seen: all are equal
    for name in figures:
        assert f'id="t-{name}-table"' in html
