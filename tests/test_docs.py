"""The documentation names what is there: its map is that of the code, and its paths exist."""

import re
from pathlib import Path

import pytest

from tests.helpers.house import MTLSER, ROOT
from tests.helpers.house_map import PAGE, PICTURE, page, picture

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"))
    if path.name != "CHANGELOG.md"
)
OURS = re.compile(r"`((?:mtlser|components|pipeline|infra|tests|docs|benchmarks)/[\w./*-]+)`")
NUMBER = re.compile(r"^# (?:\d+\. )?")
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)[^)]*\)")


def test_the_map_in_the_documentation_is_that_of_the_code() -> None:
    """`make map` writes both anew."""
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    assert page(MTLSER, text) == text, "run `make map`"
    assert (ROOT / PICTURE).read_text(encoding="utf-8") == picture(MTLSER), "run `make map`"


def test_the_list_of_decisions_has_each_with_its_title() -> None:
    folder = ROOT / "docs" / "decisions"
    titles = {
        path.name: NUMBER.sub("", path.read_text(encoding="utf-8").splitlines()[0])
        for path in folder.glob("0*.md")
    }
    listed = (folder / "README.md").read_text(encoding="utf-8").splitlines()[4:]
    assert listed == [f"- [{name[:4]}]({name}): {titles[name]}" for name in sorted(titles)]


def missing(text: str, folder: Path) -> list[str]:
    """Paths of the repository in backticks, and targets of links, that are not there."""
    named = [name for name in OURS.findall(text) if "NAME" not in name]
    return [name for name in named if not list(ROOT.glob(name.rstrip("/")))] + [
        target for target in LINK.findall(text) if not (folder / target).exists()
    ]


@pytest.mark.parametrize("name", PAGES)
def test_paths_in_the_documentation_exist(name: str) -> None:
    path = ROOT / name
    assert missing(path.read_text(encoding="utf-8"), path.parent) == []


def test_a_path_that_is_not_there_would_be_seen() -> None:
    text = "`mtlser/gone.py` `mtlser/data/` `mtlser/data/NAME.py` [a](docs/none.md) [b](docs/)"
    assert missing(text, ROOT) == ["mtlser/gone.py", "docs/none.md"]
