"""The folder of a local run: what goes on, what starts afresh, and how a finished run appears."""

import json
from pathlib import Path

import pytest

from mtlser import recipe as recipes
from mtlser.errors import MtlserError
from mtlser.recipe import Recipe
from pipeline.job import Job
from pipeline.local import publication, workspace
from pipeline.local.worker import Result


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    (tmp_path / "release").mkdir()
    (tmp_path / "release" / "a.wav").write_text("a")
    return recipes.load("demo", (f"data.root={tmp_path / 'release'}",))


def begin(out: Path, recipe: Recipe, *, keep: bool = False) -> tuple[workspace.State, list[str]]:
    with workspace.locked(out) as space:
        state, changed = workspace.begin(space, Job(recipe), keep=keep)
        (space.cache / "finished").touch(exist_ok=True)
        return state, changed


def test_an_interrupted_run_goes_on_under_its_own_key(tmp_path: Path, recipe: Recipe) -> None:
    first, _ = begin(tmp_path / "out", recipe)
    second, changed = begin(tmp_path / "out", recipe)
    assert (second.run, changed) == (first.run, [])


@pytest.mark.parametrize("change", ["the recipe", "the release", "the code"])
def test_anything_else_starts_afresh_and_says_so(
    tmp_path: Path, recipe: Recipe, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = begin(tmp_path / "out", recipe)
    again = recipe
    if change == "the recipe":
        again = recipe.model_copy(update={"seed": 1})
    elif change == "the release":
        (tmp_path / "release" / "b.wav").write_text("b")
    else:
        monkeypatch.setattr(workspace, "source_digest", lambda: "other")
    with workspace.locked(tmp_path / "out") as space:
        second, changed = workspace.begin(space, Job(again), keep=False)
        assert changed == [change]
        assert second.run != first.run
        assert not (space.cache / "finished").exists()


def test_keep_goes_on_although_the_code_changed_but_not_the_data(
    tmp_path: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = begin(tmp_path / "out", recipe)
    monkeypatch.setattr(workspace, "source_digest", lambda: "other")
    second, changed = begin(tmp_path / "out", recipe, keep=True)
    assert (second.run, changed) == (first.run, [])
    (tmp_path / "release" / "b.wav").write_text("b")
    third, _ = begin(tmp_path / "out", recipe, keep=True)
    assert third.run != first.run


def test_a_folder_belongs_to_one_run_at_a_time(tmp_path: Path) -> None:
    with (
        workspace.locked(tmp_path / "out"),
        pytest.raises(MtlserError, match="another run is writing here"),
        workspace.locked(tmp_path / "out"),
    ):
        pass


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(MtlserError, match="no run wrote"), workspace.locked(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_the_last_run_is_replaced_only_by_a_finished_one(tmp_path: Path, recipe: Recipe) -> None:
    out = tmp_path / "out"
    (out / "model").mkdir(parents=True)
    (out / "model" / "old").touch()
    (out / ".mtlser.json").touch()
    with workspace.locked(out) as space:
        workspace.begin(space, Job(recipe), keep=False)
        assert (out / "model" / "old").exists()
        places = {}
        for name in ("corpus", "folds", "chosen", "reported", "final", "registered"):
            folder = space.steps / name
            folder.mkdir()
            places[name] = str(folder)
        (space.steps / "final" / "model").mkdir()
        (space.steps / "final" / "model" / "new").touch()
        summary = space.steps / "reported" / "summary.json"
        summary.write_text('{"wa_mean": 0.5, "seconds": null}')
        (space.steps / "cell").mkdir()
        (space.steps / "cell" / "result.json").touch()
        cells = {"svm:f0:s0": str(space.steps / "cell")}
        publication.publish(space, Result(places=places, cells=cells), 12.34)
    assert [path.name for path in (out / "model").iterdir()] == ["new"]
    assert (out / "checkpoints" / "svm-f0-s0" / "result.json").is_file()
    assert json.loads((out / "summary.json").read_text()) == {"wa_mean": 0.5, "seconds": 12.3}
    assert [path.name for path in (out / ".work").iterdir()] == ["lock"]


@pytest.mark.parametrize("moves", range(6))
def test_a_publication_that_is_killed_is_finished_by_the_next_command(
    tmp_path: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    """An earlier run left `model`, `rival` and a report; the new one has `model` and a report."""
    out, rename = tmp_path / "out", Path.rename
    left = [moves]

    def mortal(path: Path, target: Path) -> Path:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return rename(path, target)

    with workspace.locked(out) as space:
        for run, extra in (("old", ("rival",)), ("new", ())):
            workspace.begin(space, Job(recipe), keep=False)
            for name in ("reported", "final", "final/model", *extra):
                (space.steps / name).mkdir()
                (space.steps / name / "text").write_text(f"{run} {name}")
            places = {name: str(space.steps / name) for name in ("reported", "final")}
            if extra:
                places["theirs"] = str(space.steps / "rival")
            result = Result(places=places, cells={})
            if run == "old":
                publication.publish(space, result, 1.0)
                continue
            with monkeypatch.context() as patch:
                patch.setattr(Path, "rename", mortal)
                with pytest.raises(KeyboardInterrupt):
                    publication.publish(space, result, 1.0)
        everything = {path.read_text() for path in out.rglob("text")}
        assert everything >= {"old reported", "old final/model", "old rival"}
        assert publication.finish(space, workspace.current(Job(recipe)))
    assert {path.read_text() for path in out.rglob("text")} == {"new reported", "new final/model"}
    assert [path.name for path in (out / ".work").iterdir()] == ["lock"]
