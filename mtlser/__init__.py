"""Multi-task speech emotion recognition with protocols that keep test speakers apart.

The public API. The commands `mtlser` and `mtlser-pipeline` and the components call the same
functions. Nothing heavy is imported before a function needs it. Progress is logged:
`logging.basicConfig(level=logging.INFO)` shows it.

>>> import mtlser
>>> recipe = mtlser.load_recipe("demo", "train.epochs=1", "noise.kinds=[]")
>>> recipe.train.epochs, recipe.split.protocol
(1, 'session')

A whole run, and its model on recordings of one's own (some minutes; in a script below
`if __name__ == "__main__":`, since the search starts processes)::

    summary = mtlser.run(recipe, "runs/mine")
    model = mtlser.load_model("runs/mine")
    [clip] = mtlser.predict(model, ["clip.wav"])
    print(summary["ua_mean"], clip.emotion, clip.text)
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mtlser.models.bundle import TrainedModel
    from mtlser.recipe import Recipe
    from mtlser.serving.load import FilePrediction

__all__ = ["ingest", "load_model", "load_recipe", "predict", "run"]


def load_recipe(source: str, *overrides: str) -> "Recipe":
    """The recipe that `source` names, checked.

    Args:
        source: a shipped recipe's name (`mtlser recipes` lists them), a path to a TOML file, or
            TOML text.
        overrides: `KEY=VALUE`, for example `train.learning_rate=2e-5`.

    Raises:
        MtlserError: no such recipe, an unknown key or a bad value.
    """
    from mtlser import recipe

    return recipe.load(source, overrides)


def ingest(recipe: "Recipe", out: str) -> None:
    """Reads the recipe's corpus into the corpus folder `out`: 16 kHz audio, manifest, counts.

    Raises:
        MtlserError: the corpus is absent or cannot be read, or `out` cannot be written.
    """
    from mtlser import stages

    stages.ingest(recipe, out)


def run(recipe: "Recipe", out: str) -> dict[str, object]:
    """Cross-validates, reports, fits on all data, registers; the flat summary of its scores.

    The stages run one after another in this process and leave one run folder: `report.html`,
    `scores.json`, `summary.json`, `predictions.jsonl`, `model/`, `checkpoints/`. The same call
    resumes one that was killed.

    Args:
        recipe: from `load_recipe`.
        out: run folder or `s3://` address to write.

    Raises:
        MtlserError: bad input, or folds that violate their protocol's speaker separation.
    """
    from mtlser import stages

    return stages.crossval(recipe, out)


def load_model(place: str) -> "TrainedModel":
    """The network in a run or model folder, at an `s3://` address, or in MLflow's registry.

    Args:
        place: for example `runs/demo` or `models:/mtlser@champion`.

    Raises:
        MtlserError: there is no model, or it is damaged.
    """
    from mtlser.serving import load

    return load.network(load.model_folder(place))


def predict(model: "TrainedModel", files: Sequence[str | Path]) -> "list[FilePrediction]":
    """Emotion with probabilities, text and speaker of each audio file, in order.

    Raises:
        MtlserError: a file is absent or is no audio; nothing is predicted then.
    """
    from mtlser.serving import load

    return load.predict_with(model, [Path(file) for file in files])
