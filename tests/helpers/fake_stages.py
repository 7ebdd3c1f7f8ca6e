"""Stages that take no time, in the place of `mtlser.stages` in a run of the real DAG.

`fake_package` lays them over the real package for other processes: everything else of mtlser, the
components, the DAG and its runner are the real ones. They check what reaches them, and note each
call in `FAKE_CALLS`. `FAKE_FAIL=CELL` is a user's mistake in that cell, `FAKE_BREAK=CELL` a bug,
`FAKE_WAIT=CELL` a step that does not end; `FAKE_SABOTAGE=KEY` spoils that object on S3 at the end.
"""

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mtlser import recipe as recipes
from mtlser.errors import MtlserError
from mtlser.recipe import Recipe, dumps
from mtlser.records import FOUR, Cell, Fold, FoldPlan, Prediction, write_json, write_jsonl

FOLDS = 2


def prepare(recipe: Recipe, run: str = "") -> tuple[str, str, str, str, str]:
    """Every step has the run's key."""
    assert run
    return ("release", "sources", *(dumps(recipe) for _ in range(3)))  # type: ignore[return-value]


def ingest(recipe: Recipe, out: str, clips: str = "") -> None:
    """The release has to be an absolute path."""
    assert Path(recipe.data.root).is_absolute()
    _write("ingest", out, {"manifest.jsonl": "", "ingest.json": "{}"})


def split(corpus: str, recipe: Recipe, out: str) -> None:
    """Two folds."""
    assert (Path(corpus) / "ingest.json").is_file()
    _write("split", out, {"audit.json": "{}"})
    write_json(Path(out) / "folds.json", plan(recipe))


def search(  # noqa: PLR0917 - as the stage
    corpus: str,
    folds: str,
    recipe: Recipe,
    out: str,
    work: str = "",
    run: str = "",
    most: int = 0,
    workers: int = 0,
    store: str = "",
) -> list[str]:
    """What was chosen, and the network on two folds."""
    assert run and Path(work).parent.is_dir() and not (most or workers or store)
    _write("search", out, {"chosen.json": "{}"})
    return [cell for cell in split_cells() if cell.startswith("mtlser")]


def train(  # noqa: PLR0917 - as the stage
    corpus: str,
    folds: str,
    chosen: str,
    cell: str,
    recipe: Recipe,
    out: str,
    work: str = "",
    run: str = "",
    processes: int = 1,
) -> None:
    """A model that holds its own cell's name."""
    assert processes == 1
    assert run and (Path(chosen) / "chosen.json").is_file()
    if cell == os.environ.get("FAKE_FAIL"):
        raise MtlserError("alpha = 7: expected 0 to 1; run `mtlser recipes`")
    if cell == os.environ.get("FAKE_BREAK"):
        raise ZeroDivisionError("a bug of ours")
    if cell == os.environ.get("FAKE_WAIT"):
        Path(os.environ["FAKE_CALLS"]).with_suffix(".pid").write_text(str(os.getpid()))
        time.sleep(600)
    _note("train", out)
    write_cell(Path(out), cell, recipe)


def write_cell(out: Path, cell: str, recipe: Recipe) -> None:
    """A cell's folder; the final fit predicts nothing."""
    (out / "model").mkdir(parents=True)
    (out / "cell").write_text(cell)
    (out / "recipe").write_text(recipe.name)
    (out / "threads").write_text(os.environ.get("OMP_NUM_THREADS", ""))
    (out / "model" / "weights").write_text(cell)
    parsed = Cell.parse(cell)
    if parsed.fold is not None:
        write_jsonl(out / "predictions.jsonl", predictions(parsed, recipe))


def noise_eval(
    corpus: str, folds: str, cell_folder: str, cell: str, recipe: Recipe, out: str
) -> None:
    """The model has to be the loop item's own."""
    assert (Path(cell_folder) / "cell").read_text() == cell
    _write("noise_eval", out, {"cell": cell, "predictions.jsonl": ""})


def baselines(
    corpus: str, folds: str, chosen: str, recipe: Recipe, out: str, work: str = "", run: str = ""
) -> None:
    """The SVM on two folds."""
    named = [cell for cell in split_cells() if cell.startswith("svm")]
    _write("baselines", out, {"baselines.json": json.dumps(named)})
    for cell in named:
        name = cell.replace(":", "-")
        trained = f"{out}/cells/{name}"
        train(corpus, folds, chosen, cell, recipe, trained, work, run)
        noise_eval(corpus, folds, trained, cell, recipe, f"{out}/noisy/{name}")


def baseline_folders(folder: str) -> dict[str, tuple[str, str]]:
    """As the stage's own."""
    named = json.loads((Path(folder) / "baselines.json").read_text())
    names = {cell: cell.replace(":", "-") for cell in named}
    return {
        cell: (f"{folder}/cells/{name}", f"{folder}/noisy/{name}") for cell, name in names.items()
    }


def report(  # noqa: PLR0917 - as the stage
    corpus: str,
    folds: str,
    chosen: str,
    results: Sequence[str],
    recipe: Recipe,
    out: str,
    run: str = "",
    main: str = "",
    listen: int = 0,
) -> None:
    """Every cell has to come twice: its model and its noisy predictions."""
    from mtlser.evaluation import scores
    from mtlser.records import read_jsonl

    cells = sorted((Path(place) / "cell").read_text() for place in results)
    assert cells == sorted(split_cells() * 2), cells
    trained = [Path(place) / "recipe" for place in results]
    assert {path.read_text() for path in trained if path.exists()} == {recipe.name}
    files = {"report.html": "<h1>report</h1>", "recipe.toml": dumps(recipe), "chosen.json": "{}"}
    _write("report", out, files)
    places = [Path(place) / "predictions.jsonl" for place in results]
    outcome = [prediction for path in places for prediction in read_jsonl(path, Prediction)]
    write_jsonl(Path(out) / "predictions.jsonl", outcome)
    measured = scores.measure(outcome, plan(recipe), recipe)
    write_json(Path(out) / "scores.json", measured)
    scores.write_summary(Path(out) / "summary.json", measured)


def register(model: str, report_folder: str, recipe: Recipe, out: str, run: str = "") -> None:
    """The model has to be the final fit."""
    assert (Path(model) / "cell").read_text() == "mtlser:final:s0"
    if "FAKE_SABOTAGE" in os.environ:
        from mtlser.storage.s3 import client

        client.connect().put_object(Bucket="mtlser", Key=os.environ["FAKE_SABOTAGE"], Body=b"junk")
    _write("register", out, {"registered.json": _registered(1, "there was no champion")})


def compare(runs: Sequence[str], out: str) -> None:
    """Two reports, the main recipe's first."""
    names = [recipes.load(str(Path(run) / "recipe.toml")).name for run in runs]
    _write("compare", out, {"report.html": " and ".join(names), "comparison.json": "{}"})


class Check(NamedTuple):
    """What is new."""

    verdict: str
    champion_recipe: str


def check_data(corpus: str, recipe: Recipe, out: str, run: str = "") -> Check:
    """The verdict that `FAKE_VERDICT` names; the champion is a recipe called `champion`."""
    verdict = os.environ.get("FAKE_VERDICT", "first")
    outcome = {"verdict": verdict, "reason": "version 1 is of this manifest"}
    _write("check_data", out, {"drift.json": json.dumps(outcome)})
    champion = recipe.model_copy(update={"name": "champion"})
    return Check(verdict, dumps(champion))


def promote(
    model: str, report_folder: str, rival_report: str, recipe: Recipe, out: str, run: str = ""
) -> None:
    """The challenger's final fit, its report, and that of the champion's recipe."""
    assert (Path(model) / "cell").read_text() == "mtlser:final:s0"
    assert (Path(model) / "recipe").read_text() == recipe.name
    assert recipes.load(str(Path(report_folder) / "recipe.toml")).name == recipe.name
    rival = "champion" if os.environ["FAKE_VERDICT"] == "new_recipe" else recipe.name
    assert recipes.load(str(Path(rival_report) / "recipe.toml")).name == rival
    _write("promote", out, {"registered.json": _registered(2, "not worse")})


def split_cells() -> list[str]:
    """All cells of the loop."""
    return [f"{system}:f{fold}:s0" for system in ("mtlser", "svm") for fold in range(FOLDS)]


def plan(recipe: Recipe) -> FoldPlan:
    """Two folds of four test utterances, one a class."""
    ids = [[f"Ses0{fold}-{emotion}" for emotion in FOUR] for fold in range(FOLDS)]
    folds = [
        Fold(
            index=fold,
            name=f"Ses0{fold}",
            train=(f"train-{fold}",),
            validation=(f"validation-{fold}",),
            test=tuple(ids[fold]),
            speaker_check=(f"check-{fold}",),
        )
        for fold in range(FOLDS)
    ]
    return FoldPlan(
        protocol=recipe.split.protocol, seed=0, manifest_digest="0" * 64, folds=tuple(folds)
    )


def predictions(cell: Cell, recipe: Recipe) -> list[Prediction]:
    """The network is right but for `sad` in fold 0; the SVM always says `neutral`."""
    assert cell.fold is not None
    result = []
    for uid in plan(recipe).folds[cell.fold].test:
        truth = uid.partition("-")[2]
        output = "neutral" if cell.system == "svm" or uid == "Ses00-sad" else truth
        result.append(
            Prediction(
                utterance_id=uid,
                system=cell.system,
                fold=cell.fold,
                seed=cell.seed,
                split="test",
                condition="clean",
                style=None,
                emotion_true=truth,
                emotion_probabilities={name: float(name == output) for name in FOUR},
                text_true=None,
                text_predicted=None,
                speaker_true="A",
                speaker_predicted=None,
                recipe_hash=recipe.hash,
            )
        )
    return result


def _registered(version: int, reason: str) -> str:
    from mtlser.registry.versions import Registered

    result = Registered(
        name="mtlser", version=version, champion_before=None, champion_now=version, reason=reason
    )
    return result.model_dump_json()


def _write(stage: str, out: str, files: dict[str, str]) -> None:
    Path(out).mkdir(parents=True)
    for name, text in files.items():
        (Path(out) / name).write_text(text, encoding="utf-8")
    _note(stage, out)


def _note(stage: str, out: str) -> None:
    with Path(os.environ["FAKE_CALLS"]).open("a", encoding="utf-8") as calls:
        calls.write(f"{stage} {out}\n")


def fake_package(folder: Path) -> dict[str, str]:
    """Lays these stages over the real package below `folder`; the variables that use them."""
    import mtlser

    real = Path(mtlser.__file__).parent
    package = folder / "fake" / "mtlser"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(f"__path__ = [__path__[0], {str(real)!r}]\n")
    (package / "stages.py").write_text(Path(__file__).read_text(encoding="utf-8"))
    return {
        "PYTHONPATH": f"{package.parent}{os.pathsep}{real.parent}",
        "FAKE_CALLS": str(folder / "calls"),
        "MTLSER_TRACKING": "off",
    }
