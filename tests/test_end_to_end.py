"""The whole DAG with nothing replaced, on a small made-up corpus."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtlser import stages, tracking
from mtlser.evaluation.score_records import Scores
from mtlser.recipe import load
from mtlser.records import CLEAN, Cell, Prediction, read_json, read_jsonl, write_json, write_jsonl
from mtlser.storage import custody
from tests.helpers.networks import write_encoder
from tests.helpers.tiny_run import EMOTIONS, RECIPE, SENTENCES, write_release

SEEDS = 2


def python(folder: Path, *words: str) -> str:
    """What Python prints, called with these words in a folder."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def run(folder: Path, *more: str) -> str:
    """What `mtlser-pipeline run` prints."""
    return python(folder, "-m", "pipeline.cli", "run", "--recipe", "tiny.toml", *more)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a release, an encoder, a recipe and a finished run `out`."""
    built = tmp_path_factory.mktemp("end-to-end")
    write_release(built / "release")
    write_encoder(built / "encoder")
    seeds = RECIPE.replace("[train]\n", f"[train]\nseeds = {SEEDS}\n")
    (built / "tiny.toml").write_text(seeds, encoding="utf-8")
    (built / "told").write_text(run(built, "--out", "out"), encoding="utf-8")
    return built


@pytest.fixture
def store(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The MLflow store that the run wrote to."""
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    yield tracking.uri()


def test_it_tells_the_scores_the_report_and_how_to_open_mlflow(folder: Path) -> None:
    outcome = (folder / "told").read_text(encoding="utf-8")
    assert "babble@5dB" in outcome
    assert "Welch" in outcome
    assert "report:  out/report.html" in outcome
    assert f"ui --backend-store-uri sqlite:///{folder / 'mlflow.db'}" in outcome


def test_what_a_step_logs_is_a_plain_line_of_the_full_log(folder: Path) -> None:
    """Two pairs are searched on two folds, over a frozen encoder: both in one training."""
    lines = [line.strip() for line in (folder / "out" / "pipeline.log").read_text().splitlines()]
    assert sum(line.startswith("emodb: kept 64 of 64") for line in lines) == 1
    searched = [line for line in lines if line.startswith("fold ") and "validation WA" in line]
    assert len(searched) == 2
    assert all("2 pairs as one training" in line for line in searched)
    prefixed = [line for line in lines if " - " in line or "[KFP" in line]
    assert not any("validation WA" in line or "kept 64" in line for line in prefixed)


def test_every_system_is_measured_on_every_fold_and_condition(folder: Path) -> None:
    seen: dict[tuple[str, int, int, str], int] = {}
    for prediction in read_jsonl(folder / "out" / "predictions.jsonl", Prediction):
        if prediction.split == "test":
            one = prediction
            key = (one.system, one.fold, one.seed, one.condition)
            seen[key] = seen.get(key, 0) + 1
    each = len(SENTENCES) * len(EMOTIONS)
    conditions = ("clean", "babble@5dB")
    assert seen == {
        (system, fold, seed, condition): each
        for system in ("mtlser", "svm")
        for fold in range(2)
        for seed in range(SEEDS)
        for condition in conditions
    }


def test_the_summary_is_whole(folder: Path) -> None:
    summary = json.loads((folder / "out" / "summary.json").read_text(encoding="utf-8"))
    assert (summary["protocol"], summary["folds"], summary["leaks"]) == ("loso", 2, False)
    assert (summary["seeds"], "wa_seed_sd" in summary) == (SEEDS, True)
    assert summary["utterances"] == 2 * len(SENTENCES) * len(EMOTIONS)
    assert 0 <= summary["wa_mean"] <= 1
    assert summary["seconds"] > 0


def test_the_scores_tell_how_noise_was_mixed_and_what_systems_cost(folder: Path) -> None:
    scores = read_json(folder / "out" / "scores.json", Scores)
    assert scores.noise is not None
    assert (scores.noise.source, scores.noise.level) == ("corpus babble", "active")
    assert scores.noise.largest_deviation_db is not None
    assert scores.noise.largest_deviation_db < 0.1
    assert [row.system for row in scores.cost] == ["mtlser", "svm"]
    assert all(row.clip_s == 3.6 and row.multiply_adds and row.machine for row in scores.cost)


def test_mlflow_holds_one_parent_with_the_cells_below_it(store: str) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(store)
    experiment = client.get_experiment_by_name("mtlser/emodb")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    parents = [each for each in runs if "mlflow.parentRunId" not in each.data.tags]
    assert [each.info.status for each in parents] == ["FINISHED"]
    assert "wa_mean" in parents[0].data.metrics
    pairs = {
        (each.data.params["hp.alpha"], each.data.params["hp.beta"])
        for each in runs
        if "hp.beta" in each.data.params
    }
    assert pairs == {("0.1", "0.2"), ("0.1", "0.8")}
    assert int(client.get_model_version_by_alias("mtlser", "champion").version) == 1


def test_the_run_folder_predicts(folder: Path) -> None:
    wav = folder / "release" / "wav" / "03a01Na.wav"
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from mtlser.cli.app import main; main()",
            "predict",
            "out",
            str(wav),
            "--json",
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) == 1


API = """
import json, sys
import mtlser

if __name__ == "__main__":
    summary = mtlser.run(mtlser.load_recipe("tiny.toml"), "api")
    model = mtlser.load_model("api")
    answers = mtlser.predict(model, sys.argv[1:])
    print(json.dumps([summary["wa_mean"], [answer.emotion for answer in answers]]))
"""


def test_the_public_api_gives_the_predictions_of_the_dag(folder: Path) -> None:
    """Both call the same stages: a run in one process is the run of many."""
    script = folder / "api.py"
    script.write_text(API, encoding="utf-8")
    wavs = [f"release/wav/03a01{code}a.wav" for code in "NW"]
    printed = python(folder, str(script), *wavs)
    wa, emotions = json.loads(printed.splitlines()[-1])
    assert wa == json.loads((folder / "out" / "summary.json").read_text())["wa_mean"]
    assert len(emotions) == 2
    files = [folder / name / "predictions.jsonl" for name in ("out", "api")]
    dag, api = (list(read_jsonl(file, Prediction)) for file in files)
    assert len(dag) == len(api)
    for one, other in zip(dag, api, strict=True):
        apart = {"emotion_probabilities"}  # the last digits depend on the number of threads
        assert one.model_dump(exclude=apart) == other.model_dump(exclude=apart)
        assert one.emotion_probabilities == pytest.approx(other.emotion_probabilities, abs=1e-6)
    left = {path.name for path in (folder / "api").iterdir()}
    assert left == {path.name for path in (folder / "out").iterdir()} - {".work", "pipeline.log"}
    assert not (folder / "api.work").exists()


def test_the_run_is_verified_and_a_forger_of_all_records_is_not_believed(
    folder: Path, tmp_path: Path
) -> None:
    python(folder, "-m", "mtlser", "ingest", "--recipe", "tiny.toml", "--out", "corpus")
    printed = python(folder, "-m", "mtlser", "verify", "out", "--manifest", "corpus", "--json")
    found = {each["name"]: each for each in json.loads(printed)["findings"]}
    assert {each["state"] for each in found.values()} == {"agrees"}, found
    assert "predicted again" in found["weights"]["detail"]
    scores = read_json(folder / "out" / "scores.json", Scores)
    assert {claim.name: claim.state for claim in scores.claims} == dict.fromkeys(
        ("data", "folds", "speakers", "weights", "selection"), "yes"
    ), scores.claims

    forged = shutil.copytree(folder / "out", tmp_path / "forged")
    path = forged / "predictions.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        if (row["system"], row["fold"], row["split"]) == ("mtlser", 0, "test"):
            row["emotion_probabilities"] = {
                name: 0.97 if name == row["emotion_true"] else 0.01
                for name in row["emotion_probabilities"]
            }
    path.unlink()  # hard-linked
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    findings = stages.verify(str(forged), str(folder / "corpus"), sample=2).findings
    weights = next(each for each in findings if each.name == "weights")
    assert weights.state == "differs"
    assert "the weights give probabilities that differ" in weights.detail


def test_forged_noisy_predictions_are_found_when_every_digest_is_right(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The forger changes what noise-eval gave, seals it, and writes an honest report of it."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MTLSER_TRACKING", "off")
    run, corpus = folder / "out", tmp_path / "corpus"
    stages.ingest(load("tiny.toml"), str(corpus))
    cells = sorted((run / "checkpoints").iterdir())
    noisy = [_forged_noise(run, cell, tmp_path / "noisy" / cell.name) for cell in cells]
    forged, recipe = tmp_path / "forged", load(str(run / "recipe.toml"))
    given = [str(path) for path in (*cells, *noisy)]
    stages.report(str(corpus), str(run), str(run), given, recipe, str(forged))
    shutil.copytree(run / "checkpoints", forged / "checkpoints")
    found = {f.name: f for f in stages.verify(str(forged), str(corpus), sample=100).findings}
    assert {name: each.state for name, each in found.items()} == {
        **dict.fromkeys(
            ("files", "chain", "predictions", "data and folds", "figures", "selection", "weights"),
            "agrees",
        ),
        "noise": "differs",
        "final model": "not at hand",
    }, found
    assert "noisy test utterances; run `mtlser noise-eval` again" in found["noise"].detail


def _forged_noise(run: Path, cell: Path, folder: Path) -> Path:
    """The cell's noisy predictions, one of them changed, in a sealed folder."""
    name = cell.name.replace("-", ":")
    rows = [
        each
        for each in read_jsonl(run / "predictions.jsonl", Prediction)
        if each.condition != CLEAN and Cell.parse(name) == Cell(
            system=each.system, fold=each.fold, seed=each.seed
        )
    ]  # fmt: skip
    first = rows[0].emotion_probabilities
    moved = dict(zip(first, [0.97, 0.01, 0.01, 0.01], strict=True))
    rows[0] = rows[0].model_copy(update={"emotion_probabilities": moved})
    folder.mkdir(parents=True)
    write_jsonl(folder / "predictions.jsonl", rows)
    honest = custody.read_file(run / "custody" / f"noise_eval-{cell.name}.json")
    sealed = custody.seal(
        folder, "noise_eval", ["predictions.jsonl"], cell=name, recipe_hash=honest.recipe_hash,
        manifest=honest.manifest, folds=honest.folds,
    )  # fmt: skip
    tied = sealed.model_copy(update={"made_from": honest.made_from})
    write_json(folder / "custody.json", tied.model_copy(update={"sha256": tied.digest}))
    return folder
