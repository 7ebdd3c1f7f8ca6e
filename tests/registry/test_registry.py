"""Registered models in a real MLflow store: who becomes champion, and what comes back out."""

import base64
import json
from pathlib import Path
from shutil import copytree

import pandas as pd
import pytest
from mlflow import MlflowClient

from mtlser import tracking
from mtlser.errors import MtlserError
from mtlser.recipe import Recipe
from mtlser.records import FOUR, CellResult, write_json
from mtlser.registry import promotion
from mtlser.registry.versions import Registered
from mtlser.serving import load
from tests.helpers.retraining import CHAMPION, measured, plan, write_report
from tests.helpers.trained import write_model, write_wav


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


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of the first champion."""
    folder = tmp_path_factory.mktemp("reports") / "report"
    return write_report(folder, CHAMPION, measured(CHAMPION, 0.7, plan()))


def registered(model: Path, report: Path, key: str, built: Recipe = CHAMPION) -> Registered:
    with tracking.parent(built, key) as run:
        return promotion.promote(model, report, None, built, run)


def test_the_same_model_of_one_run_is_registered_once(model: Path, report: Path) -> None:
    assert registered(model, report, "job").version == 1
    again = registered(model, report, "job")
    assert (again.version, again.champion_now) == (1, 1)
    assert len(MlflowClient().search_model_versions("name = 'mtlser'")) == 1


def test_a_version_carries_a_dozen_tags_and_a_link_to_its_run(
    model: Path, report: Path, tmp_path: Path
) -> None:
    copytree(model, tmp_path / "final" / "model")
    result = CellResult(
        cell="mtlser:final:s0", alpha=0.1, beta=0.8, epoch=7, epochs_run=7, score=None,
        validation={}, seconds=1.0, weights_sha256=None,
    )  # fmt: skip
    write_json(tmp_path / "final" / "result.json", result)
    registered(tmp_path / "final" / "model", report, "job")
    version = MlflowClient().get_model_version("mtlser", "1")
    summary = json.loads((report / "summary.json").read_text())
    expected = {
        "alpha": "0.1", "beta": "0.8", "epochs": "7", "run": version.run_id,
        **{name: repr(summary[name]) for name in ("wa_mean", "wa_sd", "ua_mean", "ua_sd")},
        "corpus": CHAMPION.data.corpus, "protocol": summary["protocol"], "leaks": "false",
        "recipe": CHAMPION.name, "recipe_hash": CHAMPION.hash,
        "mtlser.manifest": summary["manifest_digest"],
    }  # fmt: skip
    assert {name: version.tags.get(name) for name in expected} == expected
    others = {name for name in version.tags if name not in expected}
    assert all(name.startswith("mtlser.") for name in others)
    assert len(version.tags) < 22


def test_an_untracked_run_registers_nothing(
    model: Path, report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MTLSER_TRACKING", "off")
    outcome = registered(model, report, "")
    assert (outcome.version, outcome.champion_now, outcome.gate) == (None, None, None)
    assert "tracking is off" in outcome.reason


def test_a_registered_model_speaks_like_its_folder_and_holds_no_pickle(
    model: Path, wav: Path, report: Path
) -> None:
    import mlflow

    registered(model, report, "")
    mlflow.set_tracking_uri(tracking.uri())
    served = mlflow.pyfunc.load_model("models:/mtlser@champion")
    by_path = served.predict(pd.DataFrame({"path": [str(wav)]}))
    encoded = base64.b64encode(wav.read_bytes()).decode()
    by_audio = served.predict(pd.DataFrame({"audio": [encoded]}))
    (printed,) = load.predict_files(str(model), [wav])
    assert by_path.to_dict("records") == by_audio.to_dict("records")
    row = by_path.to_dict("records")[0]
    assert (row["emotion"], row["text"], row["speaker"]) == (
        printed.emotion,
        printed.text,
        printed.speaker,
    )
    assert {name: row[name] for name in FOUR} == pytest.approx(printed.probabilities)
    assert load.predict_files("models:/mtlser@champion", [wav]) == [printed]
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


def test_what_is_not_there_is_told_with_what_is(model: Path, report: Path, tmp_path: Path) -> None:
    with pytest.raises(MtlserError, match="no such file or folder"):
        load.model_folder(str(tmp_path / "nowhere"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    with pytest.raises(MtlserError, match="no model in it; expected a run folder"):
        load.model_folder(str(tmp_path / "other"))
    tracking.init_store()
    with pytest.raises(MtlserError, match="no registered model 'mtlser'; known are none"):
        load.model_folder("models:/mtlser@champion")
    registered(model, report, "")
    with pytest.raises(MtlserError, match="no alias 'chief'; known are challenger, champion"):
        load.model_folder("models:/mtlser@chief")
    with pytest.raises(MtlserError, match="models:/mtlser/7: "):
        load.model_folder("models:/mtlser/7")
    with pytest.raises(MtlserError, match="mtlser report"):
        registered(model, tmp_path, "")
    with pytest.raises(MtlserError, match="not a model folder"):
        registered(tmp_path, report, "")
