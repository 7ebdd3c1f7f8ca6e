"""Registered models in a real MLflow store: who becomes champion, and what comes back out."""

import base64
import json
import tempfile
from pathlib import Path
from shutil import copytree

import numpy as np
import pandas as pd
import pytest
import soundfile
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from mtlser import storage, tracking
from mtlser.data.decoding.limits import Most
from mtlser.errors import MtlserError
from mtlser.models import bundle
from mtlser.recipe import Recipe
from mtlser.records import FOUR, CellResult, write_json
from mtlser.registry import promotion
from mtlser.registry.versions import Registered
from mtlser.serving import load, pyfunc_model, requests
from mtlser.tracking import mlflow_uris
from tests.helpers import encoded
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
    content = base64.b64encode(wav.read_bytes()).decode()
    by_audio = served.predict(pd.DataFrame({"audio": [content]}))
    (printed,) = load.predict_files(str(model), [wav])
    (row,) = by_audio.to_dict("records")
    assert (row["emotion"], row["text"], row["speaker"]) == (
        printed.emotion,
        printed.text,
        printed.speaker,
    )
    assert {name: row[name] for name in FOUR} == pytest.approx(printed.probabilities)
    assert load.predict_files("models:/mtlser@champion", [wav]) == [printed]
    names = {path.name for path in load.model_folder("models:/mtlser/1").parent.parent.rglob("*")}
    assert not [name for name in names if name.endswith((".pkl", ".pickle", ".pt", ".pth"))]
    for table in ({"path": [str(wav)]}, {"path": [str(wav)], "audio": [None]}):
        with pytest.raises(MlflowException, match="audio"):
            served.predict(pd.DataFrame(table))


def exchanged(report: Path, tmp_path: Path) -> Path:
    """The first version's weights, after other ones were put into the artifact store."""
    other = write_model(tmp_path / "other")
    (stored,) = tmp_path.glob("mlruns/**/artifacts/*/mtlser.json")
    weights = stored.parent / bundle.WEIGHTS
    content = bytearray((other / bundle.WEIGHTS).read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    return weights


def test_weights_that_were_exchanged_in_the_store_are_not_loaded(
    model: Path, wav: Path, report: Path, tmp_path: Path
) -> None:
    import mlflow

    registered(model, report, "")
    exchanged(report, tmp_path)
    said = r"models:/mtlser/1: its files have SHA-256 .*, the registry says .* `mtlser rollback`"
    for place in ("models:/mtlser@champion", "models:/mtlser/1"):
        with pytest.raises(MtlserError, match=said):
            load.predict_files(place, [wav])
        with pytest.raises(MtlserError, match=said):
            mlflow.pyfunc.load_model(place)


def test_a_version_whose_digest_nobody_wrote_is_not_loaded(
    model: Path, report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    registered(model, report, "")
    MlflowClient().delete_model_version_tag("mtlser", "1", mlflow_uris.MODEL_SHA256)
    with pytest.raises(MtlserError, match=r"has no tag mtlser\.model_sha256"):
        load.model_folder("models:/mtlser@champion")
    with pytest.raises(MtlserError, match=r"has no tag mtlser\.model_sha256"):
        mlflow.pyfunc.load_model("models:/mtlser@champion")


def test_a_copy_without_its_registry_says_that_it_is_not_compared(
    model: Path,
    report: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    import mlflow

    registered(model, report, "")
    copy = mlflow.artifacts.download_artifacts("models:/mtlser/1", dst_path=str(tmp_path / "copy"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    mlflow.pyfunc.load_model(copy)
    assert "no registry is named, so its digest is not compared" in caplog.text


def test_an_alias_is_looked_up_once(model: Path, report: Path) -> None:
    registered(model, report, "")
    found = load.located("models:/mtlser@champion")
    assert found.version is not None
    assert (found.version.place, found.version.alias) == ("models:/mtlser/1", "champion")
    assert found.version.model_sha256 == storage.digest_folder(model)


def answered(error: MlflowException) -> str:
    """What MLflow's server sends of an error."""
    return str(error.serialize_as_json())  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([""], "row 0: empty: 0 bytes"),
        (["bm90IHNvdW5k"], "row 0: unreadable: "),
        (["not base64!"], "row 0: not base64 "),
        (["/etc/passwd"], "row 0: "),
        (["x" * (requests.MOST_BYTES * 4 // 3 + 5)], "row 0: a file of over 32 MiB"),
        ([""] * 65, "65 clips, allowed are 64 in one request"),
    ],
)
def test_a_served_model_refuses_a_stranger_s_clip_in_one_sentence(
    rows: list[str], sentence: str
) -> None:
    with pytest.raises(MlflowException) as refused:
        pyfunc_model.clips(pd.DataFrame({"audio": rows}))
    assert refused.value.message.startswith(sentence)
    assert refused.value.error_code == "INVALID_PARAMETER_VALUE"
    assert tempfile.gettempdir() not in answered(refused.value)
    assert not {"Traceback", "pyfunc_model.py"} & set(answered(refused.value).split())


def test_a_failure_of_the_model_shows_a_stranger_nothing(
    model: Path, wav: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    served = pyfunc_model.SpeechModel()
    served.model = bundle.load(model)

    def failing(*_: object) -> None:
        raise RuntimeError(f"in {model}")

    monkeypatch.setattr(pyfunc_model, "predict_wavs", failing)
    table = pd.DataFrame({"audio": [base64.b64encode(wav.read_bytes()).decode()]})
    with pytest.raises(MlflowException) as refused:
        served.predict(None, table)  # type: ignore[arg-type]
    assert str(model) not in answered(refused.value)
    assert str(model) in caplog.text


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


@pytest.mark.parametrize("ending", ["wav", "m4a"])
def test_a_long_clip_is_refused_while_it_is_decoded(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "MOST", Most(seconds=1.0))
    tone_n = 0.3 * np.sin(np.arange(40_000) / 9)
    path = tmp_path / f"long.{ending}"
    if ending == "wav":
        soundfile.write(path, tone_n, 16_000)
    else:
        encoded.write(path, tone_n, codec="aac", container="ipod", rate_hz=16_000)
    rows = [base64.b64encode(path.read_bytes()).decode()]
    with pytest.raises(
        MlflowException, match=r"row 0: unreadable: longer than 1 s, the most at 16"
    ):
        pyfunc_model.clips(pd.DataFrame({"audio": rows}))


def test_many_clips_may_not_be_long_together(wav: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "MOST_SECONDS", 2.0)
    rows = [base64.b64encode(wav.read_bytes()).decode()] * 3
    with pytest.raises(MlflowException, match="over 2 s of audio in one request"):
        pyfunc_model.clips(pd.DataFrame({"audio": rows}))
