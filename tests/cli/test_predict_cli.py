"""`mtlser predict` on folders and registered models, and on what is neither."""

import base64
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from mtlser import tracking
from mtlser.data import audio
from mtlser.models import bundle
from mtlser.records import FOUR
from mtlser.registry import promotion
from mtlser.serving import pyfunc_model
from tests.helpers.commands import Run
from tests.helpers.networks import clips, write_encoder
from tests.helpers.retraining import CHAMPION, measured, plan, write_report
from tests.helpers.trained import write_emodb, write_model, write_wav


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model"))


def refused(outcome: tuple[int, str, str], *output: str) -> None:
    code, out, err = outcome
    last = err.splitlines()[-1]
    assert (code, out) == (2, "")
    assert last.startswith("mtlser: ")
    assert "Traceback" not in err
    for words in output:
        assert words in last


def test_a_table_shows_emotion_probabilities_text_and_speaker(
    run: Run, model: Path, tmp_path: Path
) -> None:
    write_wav(tmp_path / "one.wav")
    write_wav(tmp_path / "two.wav", 1.1, seed=1)
    code, out, _ = run("predict", model.parent, "one.wav", "two.wav")
    assert code == 0
    heading, *rows = out.splitlines()
    assert heading.split() == ["file", "emotion", *FOUR, "text", "speaker"]
    assert [row.split()[0] for row in rows if row.strip()][:1] == ["one.wav"]
    assert "two.wav" in out


def test_json_has_one_entry_a_file_in_order_and_ignores_batch_mates(
    run: Run, model: Path, tmp_path: Path
) -> None:
    write_wav(tmp_path / "one.wav")
    write_wav(tmp_path / "two.wav", 1.1, seed=1)
    _, out, _ = run("predict", model, "two.wav", "one.wav", "--json")
    two, one = json.loads(out)
    assert (two["file"], one["file"]) == ("two.wav", "one.wav")
    assert one["emotion"] == max(FOUR, key=one["probabilities"].__getitem__)
    assert sum(one["probabilities"].values()) == pytest.approx(1)
    assert one["speaker"] in {"Ses01_F", "Ses01_M"}
    _, out, _ = run("predict", model, "one.wav", "--json")
    (alone,) = json.loads(out)
    assert alone["probabilities"] == pytest.approx(one["probabilities"], abs=1e-5)


def test_a_registered_model_predicts_by_alias_and_an_unknown_one_names_the_known(
    run: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MTLSER_TRACKING")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    write_wav(tmp_path / "one.wav")
    refused(run("predict", "models:/mtlser@champion", "one.wav"), "MLFLOW_TRACKING_URI")
    assert [path.name for path in tmp_path.iterdir()] == ["one.wav"]
    tracking.init_store()
    refused(run("predict", "models:/mtlser@champion", "one.wav"), "known are none")
    report = write_report(tmp_path / "report", CHAMPION, measured(CHAMPION, 0.7, plan()))
    with tracking.parent(CHAMPION) as parent:
        promotion.promote(model, report, None, CHAMPION, parent)
    _, out, _ = run("predict", "models:/mtlser@champion", "one.wav", "--json")
    _, direct, _ = run("predict", model, "one.wav", "--json")
    assert json.loads(out) == json.loads(direct)
    refused(run("predict", "models:/mtlser@chief", "one.wav"), "'chief'", "challenger, champion")
    refused(run("predict", "runs:/0123/model", "one.wav"), "runs:/0123/model")


def test_a_fold_trained_by_command_predicts(run: Run, tmp_path: Path) -> None:
    write_emodb(tmp_path / "emodb")
    flags = ["--recipe", "emodb"]
    for override in (
        "data.root=emodb",
        f"model.encoder={write_encoder(tmp_path / 'encoder')}",
        "train.epochs=1",
        "search.alphas=[]",
        "search.betas=[]",
    ):
        flags += ["--set", override]
    assert run("ingest", *flags, "--out", "corpus")[0] == 0
    assert run("split", "--manifest", "corpus", *flags, "--out", "folds")[0] == 0
    given = ("--manifest", "corpus", "--folds", "folds")
    code, out, err = run("train", *given, *flags, "--fold", 1, "--out", "cells/f1")
    assert code == 0, err
    assert "next: mtlser noise-eval" in out
    seen = run("predict", "cells/f1", "--manifest", "corpus", "--score")
    refused(seen, "mtlser:f1:s0", "has seen utterance 03a01Fa and", "of this corpus")
    shutil.rmtree(tmp_path / "corpus")
    code, out, err = run("predict", "cells/f1", "emodb/wav/03a01Fa.wav", "--json")
    assert code == 0, err
    assert json.loads(out)[0]["speaker"] in {f"emodb_{n}" for n in ("03", "08", "09", "10")}


def test_audio_that_cannot_be_used_is_refused_before_the_model_loads(
    run: Run, model: Path, tmp_path: Path
) -> None:
    write_wav(tmp_path / "good.wav")
    (tmp_path / "corrupt.wav").write_bytes(b"RIFF nothing of the kind")
    (tmp_path / "empty.wav").touch()
    refused(run("predict", model, "good.wav", "corrupt.wav"), "corrupt.wav")
    refused(run("predict", model, "empty.wav"), "empty.wav")
    refused(run("predict", model, "gone.wav"), "gone.wav", "no such file")
    refused(run("predict", model, tmp_path), "no such file")


def test_the_channels_that_count_are_those_of_the_training(run: Run, tmp_path: Path) -> None:
    model = write_model(tmp_path / "left", channels="left")
    left_n, right_n = (clips(0.8, seed=seed)[0] for seed in (0, 1))
    soundfile.write(tmp_path / "left.wav", left_n, 16_000)
    soundfile.write(tmp_path / "both.wav", np.stack([left_n, 0.9 * right_n], axis=1), 16_000)
    _, out, _ = run("predict", model, "left.wav", "both.wav", "--json")
    left, both = json.loads(out)
    assert both["probabilities"] == left["probabilities"]
    encoded = base64.b64encode((tmp_path / "both.wav").read_bytes()).decode()
    table = pd.DataFrame({"audio": [encoded]})
    (by_mlflow,) = pyfunc_model.clips(table, bundle.describe(model).channels)
    np.testing.assert_array_equal(by_mlflow, audio.load(tmp_path / "left.wav"))
    other = write_model(tmp_path / "mix")
    _, out, _ = run("predict", other, "left.wav", "both.wav", "--json")
    assert len({json.dumps(each["probabilities"]) for each in json.loads(out)}) == 2


def test_what_is_no_model_is_refused(run: Run, model: Path, tmp_path: Path) -> None:
    write_wav(tmp_path / "one.wav")
    refused(run("predict", "nowhere", "one.wav"), "nowhere", "no such")
    (tmp_path / "hollow").mkdir()
    refused(run("predict", "hollow", "one.wav"), "hollow", "empty")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "todo.txt").touch()
    refused(run("predict", "notes", "one.wav"), "no model in it", "runs/demo")
    shutil.copytree(model, tmp_path / "broken")
    (tmp_path / "broken" / "mtlser.json").write_text("{}")
    refused(run("predict", "broken", "one.wav"), "mtlser.json")
    shutil.copytree(model, tmp_path / "cut")
    weights = tmp_path / "cut" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    refused(run("predict", "cut", "one.wav"), "damaged")
    weights.unlink()
    refused(run("predict", "cut", "one.wav"), "damaged")
