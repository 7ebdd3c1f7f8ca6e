"""Recipes that Kubeflow would change or refuse are refused before anything runs."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from kfp import dsl, local

from mtlser import recipe
from mtlser.errors import MtlserError
from pipeline import parameters
from pipeline.job import Job
from pipeline.local import run
from pipeline.server import packages

SIGNS = st.text(st.sampled_from("a{}$.<&\"'\\é😀\n "), max_size=12)
EXPECTED = {"recipe": {"parameterType": "STRING"}}


@dsl.component(base_image="mtlser:dev", install_kfp_package=False)
def echo(recipe: str) -> str:
    return recipe


def given_to_a_step(text: str, folder: Path) -> str:
    """What a step of kfp.local gets of a parameter."""
    local.init(local.SubprocessRunner(use_venv=False), pipeline_root=str(folder))
    return str(echo(recipe=text).output)


def with_about(about: str) -> recipe.Recipe:
    return recipe.load("demo", (recipe.override("about", about),))


@pytest.mark.parametrize("about", ["{{$}}", "{{$.inputs.parameters['recipe']}}", "a {{workflow}}"])
def test_a_placeholder_in_a_recipe_is_refused_before_anything_runs(
    tmp_path: Path, about: str
) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus/a.wav").write_bytes(b"")
    root = recipe.override("data.root", str(tmp_path / "corpus"))
    job = Job(recipe.load("demo", (recipe.override("about", about), root)))
    with pytest.raises(MtlserError, match=r"recipe: about .* holds \{\{, which Kubeflow") as told:
        run.run(job, tmp_path / "out", None)  # type: ignore[arg-type]
    assert "\n" not in str(told.value)
    assert not (tmp_path / "out").exists()
    with pytest.raises(MtlserError, match="recipe: about"):
        packages.arguments(EXPECTED, {"recipe": job.recipe})


@pytest.mark.filterwarnings("ignore:You may be attemping to run a task:RuntimeWarning")
def test_kubeflow_replaces_what_is_refused_and_nothing_else(tmp_path: Path) -> None:
    """Why there is a check: kfp.local gives the step another text, or none."""
    harmless = recipe.dumps(with_about('{ $ } {$} }} <&> "é" 😀'))
    parameters.check({"recipe": harmless})
    assert given_to_a_step(harmless, tmp_path / "steps") == harmless
    refused = recipe.dumps(with_about("{{$}}"))
    try:
        received = given_to_a_step(refused, tmp_path / "steps")
    except (RuntimeError, ValueError) as error:  # the step's input was JSON no longer
        received = repr(error)
    assert received != refused


def test_a_long_recipe_is_told_with_its_longest_value() -> None:
    long = with_about("x" * 140_000)
    with pytest.raises(MtlserError, match=r"at most 10000 .*recipe: about.*140000 char"):
        packages.arguments(EXPECTED, {"recipe": long})
    with pytest.raises(MtlserError, match="at most 10000"):
        parameters.check(Job(long).arguments())
    parameters.check({"recipe": recipe.dumps(with_about("x" * 7_000))})


@given(SIGNS)
@example("{{$}}")
@example("/kfp-workspace")
@example("caf\udce9")
def test_what_passes_holds_nothing_that_is_replaced(text: str) -> None:
    try:
        parameters.check({"run": text, "recipe": recipe.dumps(with_about("plain"))})
    except MtlserError as error:
        assert "run = " in str(error)
        assert "{{" in text or "kfp-workspace" in text or "\udce9" in text
        return
    assert "{{" not in text


@pytest.mark.parametrize("shipped", recipe.names())
def test_what_ships_is_far_below_the_limit(shipped: str) -> None:
    text = recipe.dumps(recipe.load(shipped))
    assert 2 * parameters.size({"recipe": text}) < parameters.LIMIT_BYTES
