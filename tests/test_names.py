"""Names that a user gives: accepted by their destination, or refused when the recipe loads."""

import posixpath
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException

from mtlser import recipe
from mtlser.errors import MtlserError
from mtlser.evaluation import noise_facts
from mtlser.evaluation.number_records import Numbers
from mtlser.recipes import names
from tests.helpers.mlflow_internals import check_metric, check_model_name

TEXT = st.text(max_size=40) | st.text(st.sampled_from("aB1é_.-/:'@+ ,#%?\\\n\udce9"), max_size=12)
"""Any Unicode, surrogates of file names that are not UTF-8 too."""
SNR = st.sampled_from([-5.0, 0.0, 0.5, 5.0, 1e-5, 12.3456])


def loads(override: str) -> str | None:
    """Why the recipe is refused; `None` where it loads."""
    try:
        recipe.load("demo", (override,))
    except MtlserError as error:
        return str(error)
    return None


def one_sentence(refusal: str) -> None:
    assert "\n" not in refusal
    assert "Traceback" not in refusal
    assert "MLFLOW" not in refusal


@given(TEXT)
@example("it's")
@example("a/b")
@example("")
@example("..")
@example("ü" * 251)
def test_a_registered_models_name_is_refused_at_load_or_taken_by_mlflow(name: str) -> None:
    refusal = loads(recipe.override("registry.name", name))
    if refusal is not None:
        one_sentence(refusal)
        assert "registry.name" in refusal
        return
    check_model_name(name)
    assert "'" not in name  # which ends the filter that looks for its versions


@pytest.mark.parametrize(
    ("name", "why"),
    [("it's", "'"), ("a/b", "/"), ("", "empty"), (" ", "empty"), ("a@b", "@"), ("..", "path")],
)
def test_a_bad_registry_name_is_told_with_its_key(name: str, why: str) -> None:
    refusal = loads(recipe.override("registry.name", name))
    assert refusal is not None
    assert "registry.name" in refusal
    assert why in refusal


@given(TEXT, SNR)
@example("café, bar+1", 5.0)
@example("a@b", 0.0)
@example("x" * 400, 0.0)
def test_a_kind_of_noise_is_refused_at_load_or_a_metric_that_mlflow_takes(
    kind: str, snr_db: float
) -> None:
    refusal = loads(recipe.override("noise.kinds", [kind]))
    if refusal is not None:
        one_sentence(refusal)
        return
    for metric in (*Numbers.model_fields, "ua_seed_sd"):
        name = names.metric_of_test(noise_facts.condition(kind, snr_db), metric)
        check_metric(name)


@given(TEXT, TEXT, SNR, SNR)
@example("a@b", "a_b", 5.0, 5.0)
@example("a,b", "a:2c:b", 5.0, 5.0)
@example("a_5dB", "a", 0.0, 5.0)
@example("x" * 400, "x" * 401, 5.0, 5.0)
def test_two_conditions_never_share_a_metric(
    one: str, other: str, first_db: float, second_db: float
) -> None:
    pairs = {(one, first_db), (other, second_db)}
    conditions = {noise_facts.condition(kind, snr_db) for kind, snr_db in pairs}
    conditions |= {"clean", one, other}
    logged = {
        names.metric_of_test(condition, metric)
        for condition in conditions
        for metric in ("wa", "wer", "wa_seed_sd")
    }
    assert len(logged) == 3 * len(conditions)
    for name in logged:
        check_metric(name)


@given(TEXT)
def test_any_system_has_a_key_that_mlflow_can_look_for(system: str) -> None:
    key = names.entity(f"test-{names.escaped(system)}-f0")
    assert "'" not in key
    assert posixpath.normpath(key) == key
    assert len(key) <= names.ENTITY_LENGTH


def test_ordinary_metrics_keep_their_names() -> None:
    assert names.metric_of_test("clean", "wa_seed_sd") == "test_clean_wa_seed_sd"
    assert names.metric_of_test("noise/free-sound@-2.5dB", "ua") == (
        "test_noise/free-sound_-2.5dB_ua"
    )
    assert names.metric_of_test("café@5dB", "ua") == "test_café_5dB_ua"


@given(TEXT)
@example("../../etc")
@example("a" * 101)
@example("")
def test_a_recipes_name_stays_below_runs(name: str) -> None:
    refusal = loads(recipe.override("name", name))
    if refusal is not None:
        one_sentence(refusal)
        return
    assert posixpath.normpath(f"runs/{name}") == f"runs/{name}"
    name.encode()


@given(TEXT)
@example("/data/😀/emodb")
@example('a "b" \\ \x7f')
@example("caf\udce9")
def test_a_root_arrives_as_it_was_given_or_is_refused(root: str) -> None:
    try:
        loaded = recipe.load("demo", (recipe.override("data.root", root),))
    except MtlserError as error:
        one_sentence(str(error))
        assert "UTF-8" in str(error) or "://" in root
        return
    assert loaded.data.root == root
    assert recipe.load(recipe.dumps(loaded)) == loaded


@pytest.mark.parametrize("given_key", ["it's", "a\nb", "x" * 251], ids=["quote", "line", "long"])
def test_a_run_key_is_refused_before_anything_is_done(
    given_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mtlser import tracking

    monkeypatch.setenv("MTLSER_TRACKING", "off")
    with (
        pytest.raises(MtlserError, match="run key"),
        tracking.parent(recipe.load("demo"), given_key),
    ):
        raise AssertionError("the step began")


@pytest.mark.parametrize("rule", [names.model, names.recipe, names.relative])
def test_the_rules_take_what_ships(rule: Callable[[str], str]) -> None:
    for shipped in recipe.names():
        loaded = recipe.load(shipped)
        assert rule(loaded.registry.name)
        assert rule(loaded.name)


def test_mlflow_refuses_what_the_names_are_escaped_for() -> None:
    """The fault that the escape is for, in MLflow's own words."""
    with pytest.raises(MlflowException, match="Names may only contain"):
        check_metric("test_bar+1_5dB_wa")


def test_a_recipe_that_is_not_utf8_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes('name = "é"'.encode("latin-1"))
    with pytest.raises(MtlserError, match="not UTF-8"):
        recipe.load(str(path))
