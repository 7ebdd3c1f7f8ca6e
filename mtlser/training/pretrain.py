"""How the bundled backbone came to be: CTC on synthetic speech of other voices and sentences."""

from pathlib import Path

from mtlser.models import bundle, tiny
from mtlser.recipe import Recipe
from mtlser.records import Cell, CellResult, read_json
from mtlser.storage.work_folder import WorkFolder
from mtlser.tracking import Run
from mtlser.training import network
from mtlser.training.inputs import Inputs, Training

CARD = """# Bundled backbone: wav2vec 2.0, {parameters:.1f} M parameters

A small wav2vec 2.0 (six convolutions with layer norm, four transformer layers of 192) for
demonstrations and tests. It knows synthetic English only: do not use it for real speech.

| | |
|---|---|
| Trained on | {utterances} utterances, {hours:.1f} h, of eSpeak NG speech: {speakers} voices |
| Kept apart | the demonstration's voices and sentences occur in none of it |
| Objective | {alpha:g} CTC (32 symbols) + CE of pitch-rate quadrant + {beta:g} CE of the voice |
| Epochs | {epoch} of {epochs} kept, chosen on {validation} utterances of two further voices |
| There | WER {wer} (greedy, no language model), quadrant {quadrant} (chance 25 %) |
| Training time | {minutes:.0f} min on {cores} CPU cores |
| Weights | fp16 safetensors, made from random weights with seed {seed}: nothing was downloaded |
| Recipe | `backbone`, hash {recipe} |

Made by `make backbone`.
"""


def pretrain(inputs: Inputs, recipe: Recipe, folder: Path, work: WorkFolder, parent: Run) -> None:
    """Trains the tiny wav2vec 2.0 from random weights and writes it as a backbone folder."""
    import os

    untrained = work.folder / recipe.hash / "untrained"
    tiny.write_untrained(untrained, recipe.seed)
    model = recipe.model.model_copy(update={"encoder": str(untrained)})
    recipe = recipe.model_copy(update={"model": model})
    fold = inputs.plan.folds[0]
    training = Training(
        Cell(system="mtlser", fold=0, seed=recipe.seed), recipe.train.alpha, recipe.train.beta, fold
    )
    done = network.train_network(training, inputs, recipe, work, parent)
    trained = bundle.load(done / "model")
    result = read_json(done / "result.json", CellResult)
    tiny.export(trained, untrained, folder)
    shown = inputs.of(fold.train)
    parameters = sum(p.numel() for p in trained.network.encoder.parameters())
    card = CARD.format(
        parameters=parameters / 1e6,
        utterances=len(shown),
        hours=sum(utterance.duration_s for utterance in shown) / 3600,
        speakers=len({utterance.speaker for utterance in shown}),
        alpha=recipe.train.alpha,
        beta=recipe.train.beta,
        epoch=result.epoch,
        epochs=result.epochs_run,
        validation=len(fold.validation),
        wer=_percent(result.validation["wer"]),
        quadrant=_percent(result.validation["wa"]),
        minutes=result.seconds / 60,
        cores=os.cpu_count(),
        seed=recipe.seed,
        recipe=recipe.hash,
    )
    (folder / "README.md").write_text(card, encoding="utf-8")


def _percent(rate: float | None) -> str:
    return "not measured" if rate is None else f"{100 * rate:.1f} %"
