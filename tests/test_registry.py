"""Registered models in a real MLflow store: who becomes champion, and what comes back out."""

import base64
import json
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient

from mtlser import recipe, tracking
from mtlser.errors import MtlserError
from mtlser.recipe import Recipe
from mtlser.records import EMOTIONS
from mtlser.serving import load, registry
from mtlser.serving.registry import Registered, Standing, decide
from tests.trained import write_model, write_wav

RECIPE = recipe.load("demo")


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("MLFLOW_RUN_ID", "MTLSER_TRACKING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wav(tmp_path_factory.mktemp("wav") / "clip.wav")


def summary(folder: Path, ua: float, **others: object) -> Path:
    path = folder / f"summary-{ua}.json"
    told = {"corpus": "iemocap", "protocol": "session", "folds": 5, "ua_mean": ua, **others}
    path.write_text(json.dumps(told))
    return path


def registered(model: Path, path: Path, key: str, made: Recipe = RECIPE) -> Registered:
    with tracking.parent(made, key) as run:
        return registry.register(model, path, made, run)


def test_a_better_challenger_becomes_champion_and_a_worse_one_does_not(
    model: Path, tmp_path: Path
) -> None:
    first = registered(model, summary(tmp_path, 0.6), "")
    assert (first.version, first.champion_before, first.champion_now) == (1, None, 1)
    worse = registered(model, summary(tmp_path, 0.5), "")
    assert (worse.version, worse.champion_before, worse.champion_now) == (2, 1, 1)
    assert "does not beat" in worse.reason
    better = registered(model, summary(tmp_path, 0.7), "")
    assert (better.champion_before, better.champion_now) == (1, 3)
    aliases = MlflowClient().get_registered_model("mtlser").aliases
    assert {name: int(number) for name, number in aliases.items()} == {
        "champion": 3,
        "challenger": 3,
    }
    version = MlflowClient().get_model_version_by_alias("mtlser", "champion")
    assert version.tags["ua_mean"] == "0.7"
    assert version.tags["protocol"] == "session"
    assert version.tags["mtlser.reason"] == better.reason


def test_the_same_model_of_one_run_is_registered_once(model: Path, tmp_path: Path) -> None:
    path = summary(tmp_path, 0.6)
    assert registered(model, path, "job").version == 1
    again = registered(model, path, "job")
    assert (again.version, again.champion_now) == (1, 1)
    assert len(MlflowClient().search_model_versions("name = 'mtlser'")) == 1


def test_a_leaking_protocol_never_makes_a_champion(model: Path, tmp_path: Path) -> None:
    outcome = registered(model, summary(tmp_path, 0.99, protocol="random"), "")
    assert outcome.champion_now is None
    assert "leaks" in outcome.reason


@pytest.mark.parametrize(
    ("challenger", "wins", "why"),
    [
        (Standing(2, "emodb", "loso", 0.8), True, "beats"),
        (Standing(2, "emodb", "loso", 0.7), False, "does not beat"),
        (Standing(2, "emodb", "session", 0.8), False, "measured on emodb/session"),
        (Standing(2, "iemocap", "loso", 0.8), False, "measured on iemocap/loso"),
        (Standing(2, "emodb", "recording", 0.8), False, "leaks"),
        (Standing(2, "emodb", "loso", None), False, "no ua_mean"),
    ],
)
def test_who_wins(challenger: Standing, wins: bool, why: str) -> None:
    won, reason = decide(challenger, Standing(1, "emodb", "loso", 0.7), "ua_mean")
    assert won is wins
    assert why in reason


def test_an_untracked_run_registers_nothing(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MTLSER_TRACKING", "off")
    assert registered(model, summary(tmp_path, 0.6), "").version is None


def test_a_registered_model_speaks_like_its_folder_and_holds_no_pickle(
    model: Path, wav: Path, tmp_path: Path
) -> None:
    import mlflow

    registered(model, summary(tmp_path, 0.6), "")
    mlflow.set_tracking_uri(tracking.uri())
    served = mlflow.pyfunc.load_model("models:/mtlser@champion")
    by_path = served.predict(pd.DataFrame({"path": [str(wav)]}))
    encoded = base64.b64encode(wav.read_bytes()).decode()
    by_audio = served.predict(pd.DataFrame({"audio": [encoded]}))
    (told,) = load.predict_files(str(model), [wav])
    assert by_path.to_dict("records") == by_audio.to_dict("records")
    row = by_path.to_dict("records")[0]
    assert (row["emotion"], row["text"], row["speaker"]) == (told.emotion, told.text, told.speaker)
    assert {name: row[name] for name in EMOTIONS} == pytest.approx(told.probabilities)
    assert load.predict_files("models:/mtlser@champion", [wav]) == [told]
    names = {path.name for path in load.model_folder("models:/mtlser/1").parent.parent.rglob("*")}
    assert not [name for name in names if name.endswith((".pkl", ".pickle", ".pt", ".pth"))]
    with pytest.raises(MtlserError, match="expected `path`"):
        served.unwrap_python_model().predict(None, pd.DataFrame({"file": ["a"]}))


@pytest.mark.parametrize("level", ["final/model", "final", "run", "served"])
def test_a_model_is_found_at_every_level(model: Path, tmp_path: Path, level: str) -> None:
    (tmp_path / "run").symlink_to(model.parent)
    (tmp_path / "served" / "artifacts").mkdir(parents=True)
    (tmp_path / "served" / "artifacts" / "weights").symlink_to(model)
    (tmp_path / "final").symlink_to(model.parent)
    assert load.model_folder(str(tmp_path / level)).resolve() == model


def test_what_is_not_there_is_told_with_what_is(model: Path, tmp_path: Path) -> None:
    with pytest.raises(MtlserError, match="no such file or folder"):
        load.model_folder(str(tmp_path / "nowhere"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    with pytest.raises(MtlserError, match="no model in it; expected a run folder"):
        load.model_folder(str(tmp_path / "other"))
    tracking.init_store()
    with pytest.raises(MtlserError, match="no registered model 'mtlser'; known are none"):
        load.model_folder("models:/mtlser@champion")
    registered(model, summary(tmp_path, 0.6), "")
    with pytest.raises(MtlserError, match="no alias 'chief'; known are challenger, champion"):
        load.model_folder("models:/mtlser@chief")
    with pytest.raises(MtlserError, match="models:/mtlser/7: "):
        load.model_folder("models:/mtlser/7")
    with pytest.raises(MtlserError, match="mtlser report"):
        registered(model, tmp_path / "summary.json", "")
    with pytest.raises(MtlserError, match="not a model folder"):
        registered(tmp_path, summary(tmp_path, 0.6), "")
