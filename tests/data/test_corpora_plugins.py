"""Readers of other packages: found by name, loaded when asked for, refused in one sentence."""

import re
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mtlser.cli.app import app
from mtlser.data import corpora, ingest_report, manifest
from mtlser.data.corpora.base import BAD_NAME
from mtlser.errors import MtlserError
from mtlser.recipe import load
from mtlser.records import read_json
from tests.helpers.corpus_releases import read
from tests.helpers.corpus_tree import Tree, write
from tests.helpers.house import ROOT

PAGE = (ROOT / "docs/corpora.md").read_text(encoding="utf-8")
EMOVO = Tree(
    kept={
        "f1/dis-f1-b1.wav": {},
        "m3/neu-m3-l1.WAV": {},
        "m3/tri-m3-d2.wav": {},
        "f1/gio-f1-n5.wav": {},
    },
    left_out={"f1/hap-f1-b1.wav": "", "m3/readme.txt": ""},
)


def install(site: Path, package: str, points: str, module: str = "") -> None:
    """A package on the path as an installer leaves it: a module, and the text of its metadata."""
    info = site / f"{package}-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(f"[mtlser.corpora]\n{points}\n")
    if module:
        (site / f"{package}.py").write_text(module, encoding="utf-8")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    for name in ("mtlser_emovo", "broken"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return folder


def example() -> str:
    block = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert block
    return block[1]


def test_the_example_of_the_documentation_is_a_plug_in(site: Path, tmp_path: Path) -> None:
    point = re.search(r'"mtlser\.corpora"\]\n(.*)\n', PAGE)
    assert point
    install(site, "mtlser_emovo", point[1].replace('"', ""), example())
    assert "mtlser_emovo" not in sys.modules
    assert corpora.available()[-1] == "emovo"
    assert "mtlser_emovo" not in sys.modules  # names need no import
    release = write(EMOVO, tmp_path / "EMOVO")
    items = {item.id: item for item in read("emovo", tmp_path)}
    assert items["hap-f1-b1"].left_out == BAD_NAME
    assert (items["neu-m3-l1"].speaker, items["neu-m3-l1"].gender) == ("emovo_m3", "M")
    (tmp_path / "corpus").mkdir()
    manifest.build(load("demo", ("data.corpus=emovo",)), [release], tmp_path / "corpus")
    report = read_json(tmp_path / "corpus" / manifest.REPORT, ingest_report.IngestReport)
    assert (report.seen, report.kept) == (6, 3)
    assert report.by_label == {"gio": 1, "neu": 1, "tri": 1}


def test_the_example_is_as_short_as_it_says() -> None:
    lines = [line for line in example().split('"""', 2)[2].splitlines() if line.strip()]
    assert len(lines) <= 30


@pytest.mark.parametrize(
    ("module", "problem"),
    [
        ("raise RuntimeError('no\\nnetwork')", "could not be loaded: RuntimeError: no network;"),
        ("import nobody_has_this", "could not be loaded: ModuleNotFoundError: No module named"),
        ("OTHER = 1", "could not be loaded: AttributeError: "),
        ("CORPUS = 1", "is int, expected a mtlser.data.corpora.Corpus"),
        ("from mtlser.data.corpora.emodb import CORPUS", "is 'emodb', expected a .* name 'mine'"),
    ],
)
def test_a_plug_in_that_is_no_reader_is_one_sentence(site: Path, module: str, problem: str) -> None:
    install(site, "broken", "mine = broken:CORPUS", module)
    assert "mine" in corpora.available()
    assert corpora.corpus("emodb").name == "emodb"  # it stands in no other's way
    with pytest.raises(MtlserError, match=problem) as caught:
        corpora.corpus("mine")
    assert "broken:CORPUS of package broken 1.2" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "label=label, ",
            "label=None, ",
            r"has label None, path '.*dis-f1-b1\.wav' and left_out None",
        ),
        ("path=path, ", "path=None, ", "has label 'dis', path None and left_out None"),
        ("path=path, ", "path=path, left_out='bad', ", "has label 'dis', .* and left_out 'bad'"),
    ],
)
def test_an_item_that_would_vanish_is_refused(
    site: Path, tmp_path: Path, old: str, new: str, problem: str
) -> None:
    module = example()
    assert old in module
    install(site, "mtlser_emovo", "emovo = mtlser_emovo:CORPUS", module.replace(old, new))
    release = write(EMOVO, tmp_path / "EMOVO")
    with pytest.raises(MtlserError, match=f"the reader of EMOVO: item 'dis-f1-b1' {problem}"):
        read("emovo", release)


def test_a_name_that_is_taken_is_refused(site: Path) -> None:
    install(site, "broken", "emodb = broken:CORPUS", "raise RuntimeError")
    sentence = r"'emodb': package broken 1\.2 brings a reader of that name, which mtlser has itself"
    with pytest.raises(MtlserError, match=sentence):
        corpora.corpus("emodb")
    assert corpora.corpus("iemocap").name == "iemocap"


def test_two_packages_with_one_name_are_refused(site: Path) -> None:
    install(site, "one", "mine = one:CORPUS")
    install(site, "two", "mine = two:CORPUS")
    with pytest.raises(MtlserError, match=r"package one 1\.2 and package two 1\.2 bring a reader"):
        corpora.corpus("mine")


def test_an_unknown_name_lists_all_with_the_nearest(site: Path) -> None:
    install(site, "one", "mine = one:CORPUS")
    with pytest.raises(
        MtlserError, match=r"there are iemocap, emodb, .*, mine; the nearest is "
    ) as c:
        corpora.corpus("CREMA-D")
    assert str(c.value).endswith("the nearest is cremad: choose it with `--corpus cremad`")
    with pytest.raises(MtlserError, match=r"mine; choose one with `--corpus iemocap`"):
        corpora.corpus("qqqq")


def test_the_help_of_ingest_lists_all_by_name() -> None:
    shown = CliRunner().invoke(app, ["ingest", "--help"]).output
    text = " ".join(re.sub(r"-\n\s+", "-", shown).split())
    assert f"--corpus <str> {', '.join(corpora.CORPORA)}, or a plug-in by name." in text


def test_the_table_of_the_documentation_has_a_row_for_each() -> None:
    rows = re.findall(r"^\| `(\w[\w-]*)` \|", PAGE, re.MULTILINE)
    assert {name for name, each in corpora.CORPORA.items() if not each.generic} == set(rows)
