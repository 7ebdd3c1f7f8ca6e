"""A trained cell's test set under every noise and SNR of the recipe (paper, table 5)."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mtlser import runtime, storage
from mtlser.data import clips, manifest, noise
from mtlser.errors import MtlserError
from mtlser.evaluation.cost import profiling
from mtlser.evaluation.cost.cost_records import COST
from mtlser.evaluation.noise_facts import (
    CORPUS_BABBLE,
    NOISE,
    TOLERANCE_DB,
    NoiseRun,
    condition,
)
from mtlser.evaluation.predictor import Done, System, load_system, prediction_of, unheeded
from mtlser.recipe import NoiseRecipe, Recipe
from mtlser.records import (
    Cell,
    FoldPlan,
    Prediction,
    Utterance,
    write_json,
    write_jsonl,
)

FULL_SCALE = 1.0

log = logging.getLogger(__name__)


@dataclass
class SnrCheck:
    """Every mixed clip's SNR measured back, and what does not fit into full scale."""

    recipe: NoiseRecipe
    clips: int = 0
    largest_deviation_db: float = 0.0
    beyond_full_scale: int = 0

    def mixed(
        self, utterance: Utterance, wav_n: noise.Wav, excerpt_n: noise.Wav, snr_db: float
    ) -> noise.Wav:
        """The clip under the noise at `snr_db`, counted and measured.

        Raises:
            MtlserError: what is measured back is more than 0.1 dB from what was asked for.
        """
        mixed_n = noise.mix(wav_n, excerpt_n, snr_db, self.recipe.level)
        measured = noise.measured_snr_db(wav_n, mixed_n, self.recipe.level)
        deviation = abs(measured - snr_db)
        if deviation > TOLERANCE_DB:
            raise MtlserError(
                f"{utterance.id}: mixed at {snr_db:g} dB, {measured:.2f} dB measured back; "
                f"expected within {TOLERANCE_DB} dB; choose a noise that is less of a pause, or "
                "another SNR with `--set noise.snr_db=[...]`"
            )
        self.clips += 1
        self.largest_deviation_db = max(self.largest_deviation_db, deviation)
        self.beyond_full_scale += int(np.count_nonzero(np.abs(mixed_n) > FULL_SCALE))
        return mixed_n

    def facts(self) -> NoiseRun:
        """What was done, for `noise.json`."""
        root = self.recipe.root
        return NoiseRun(
            kinds=self.recipe.kinds,
            source=CORPUS_BABBLE if root is None else Path(root.rstrip("/")).name,
            level=self.recipe.level,
            snr_db=self.recipe.snr_db,
            clips=self.clips,
            largest_deviation_db=self.largest_deviation_db if self.clips else None,
            beyond_full_scale=self.beyond_full_scale,
        )


def run(
    corpus: Path,
    utterances: Sequence[Utterance],
    plan: FoldPlan,
    trained: Path,
    cell: Cell,
    recipe: Recipe,
    folder: Path,
) -> None:
    """Writes `predictions.jsonl` and `noise.json`, and `cost.json` of the first cell's system.

    Raises:
        MtlserError: the cell names a fold that is not there, or a noise is not.
    """
    if cell.fold is None or cell.fold >= len(plan.folds):
        raise MtlserError(
            f"cell {cell.text}: expected one of the folds 0 to {len(plan.folds) - 1}; choose one "
            "with `--fold`, or cut them again with `mtlser split`"
        )
    system = load_system(cell.system, trained / "model")
    check = SnrCheck(recipe.noise)
    conditions = len(recipe.noise.kinds) * len(recipe.noise.snr_db)
    count = runtime.Count(
        runtime.Progress(f"noise-eval {cell.text}", log.info),
        conditions * len(plan.folds[cell.fold].test),
        "noisy clips",
    )
    swept = sweep(corpus, utterances, plan, system, cell, recipe, check, count)
    write_jsonl(folder / "predictions.jsonl", swept)
    write_json(folder / NOISE, check.facts())
    if cell.fold == 0 and cell.seed == recipe.seed:
        cost = profiling.profile(system, cell.system, "in a pipeline", effort=profiling.SHORT)
        write_json(folder / COST, cost)


def source(corpus: Path, utterances: Sequence[Utterance], recipe: Recipe) -> noise.NoiseSource:
    """Where the recipe's noise comes from.

    Raises:
        MtlserError: a noise is not there.
    """
    root = storage.fetch(recipe.noise.root) if recipe.noise.root is not None else None
    return noise.source(recipe.noise, root, corpus, utterances, recipe.seed)


def sweep(
    corpus: Path,
    utterances: Sequence[Utterance],
    plan: FoldPlan,
    system: System,
    cell: Cell,
    recipe: Recipe,
    check: SnrCheck,
    done: Done = unheeded,
) -> Iterator[Prediction]:
    """Yields the cell's predictions of its test set, condition by condition.

    Training saw clean speech only; the noise of an utterance is the same excerpt at every SNR.
    Each clip is decoded once, and each excerpt drawn once.
    """
    assert cell.fold is not None
    origin = source(corpus, utterances, recipe)
    shown = manifest.members(utterances, plan.folds[cell.fold].test)
    wavs = [clips.load(corpus, utterance) for utterance in shown]
    for kind in recipe.noise.kinds:
        excerpts = [
            origin.for_utterance(utterance, kind, len(wav))
            for utterance, wav in zip(shown, wavs, strict=True)
        ]
        for snr_db in recipe.noise.snr_db:
            noisy = [
                check.mixed(utterance, wav, excerpt, snr_db)
                for utterance, wav, excerpt in zip(shown, wavs, excerpts, strict=True)
            ]
            for utterance, output in zip(shown, system.predict(noisy, done), strict=True):
                yield prediction_of(
                    utterance, output, cell, "test", condition(kind, snr_db), recipe
                )
