"""What a user is told to run: it parses, and a shell gives back the same words."""

import shlex

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mtlser import recipe
from mtlser.cli.flags import again, command
from mtlser.records import Cell
from tests.helpers import advised
from tests.helpers.advised import Advised, fault

PATHS = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1) | st.text(
    st.sampled_from("aB /'\"?#%&;|<>*~$`\\!é😀\n"), min_size=1, max_size=12
)


def test_every_command_in_the_code_is_one_that_there_is() -> None:
    seen = list(advised.of_code())
    assert len(seen) > 120
    assert {each.words[1] for each in seen if len(each.words) > 1} >= {"train", "report", "verify"}
    assert [(each, why) for each in seen if (why := fault(each))] == []


def test_every_command_in_the_documents_is_one_that_there_is() -> None:
    seen = list(advised.of_documents())
    assert len(seen) > 60
    assert [(each, why) for each in seen if (why := fault(each))] == []


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ('raise E(f"run `mtlser train --cell {x}` again")', "train has no --cell"),
        ('E("run `mtlser trian`")', "no command trian"),
        ('announce(a, command("split", "--manifests", out))', "split has no --manifests"),
        ('X = "Example: mtlser split --manifest corpus"', "out: MissingParameter"),
        (
            'X = "Example: mtlser train --manifest a --folds b --out c --fold x"',
            "fold: Input should be a valid integer",
        ),
    ],
)
def test_a_command_that_there_is_not_is_found(source: str, why: str) -> None:
    (only,) = advised.of_source(source, "x.py")
    assert why in str(fault(only))


def test_the_flags_of_a_cell_name_it() -> None:
    for system, fold, seed in (("mtlser", 3, 0), ("svm", None, 7)):
        cell = Cell(system=system, fold=fold, seed=seed)
        assert fault(Advised(("mtlser", "train", *shlex.split(cell.flags)), "")) is None


@given(PATHS, PATHS)
@example("my runs/it's", 'a "b" $HOME')
def test_a_shell_gives_back_the_words(place: str, value: str) -> None:
    override = recipe.override("data.root", value)
    flags = again(place, [override])
    printed = command("split", "--manifest", place, *flags, note="to the next step")
    assert shlex.split(printed, comments=True) == ["mtlser", "split", "--manifest", place, *flags]
