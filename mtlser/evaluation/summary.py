"""Scores as one flat mapping (`summary.json`), for trackers, registries and scripts."""

import json
from pathlib import Path

from mtlser.evaluation import noise_facts
from mtlser.evaluation.score_records import Scores, SystemScores
from mtlser.files import read_text, write_text
from mtlser.records import CLEAN

Value = str | int | float | bool | None
SHORT = {"wa": "wa", "ua": "ua", "f1": "macro_f1", "weighted_f1": "weighted_f1"}


def flat(scores: Scores) -> dict[str, Value]:
    """Names to values; rates 0-1, `None` where a value does not exist.

    `wa_mean`, `wa_sd`, ...: the main system on clean test over folds; with `seeds` above 1 each
    fold is the mean over seeds, and `wa_seed_sd` is over seeds. `f1` is macro F1. `wer`,
    `wer_normalised`, `cer` and `speaker_accuracy` are pooled over folds, with `_mean` and `_sd`
    beside them.
    `svm_wa_mean`: another system. `snr_5_wa_mean`: babble (the first kind of noise) at 5 dB; other
    kinds are `KIND_snr_5_wa_mean`. `wa_speakers_low`, `_high`: 95 % of a bootstrap over speakers.
    `validation_ua_mean`: no result, only what was chosen on. `welch_p_wa`, `corrected_p_wa`, each
    with its 95 % interval (`welch_low_wa`, `welch_high_wa`) and adjusted for the systems compared
    (`welch_holm_p_wa`; `corrected_holm_p_wa` is the verdict's), `hedges_g_wa`, `mcnemar_p_wa`, and
    the bootstrap's `difference_low_wa` and `_high_wa`: against the first other system, named in
    `compared_with`; against later ones with `_SYSTEM` behind. `seconds`: left for the runner.
    """
    main = scores.of(scores.main)
    values: dict[str, Value] = {
        "system": scores.main,
        "corpus": scores.corpus,
        "protocol": scores.protocol,
        "leaks": scores.leaks,
        "folds": len(scores.fold_names),
        "utterances": scores.utterances,
        "without_transcript": scores.without_transcript,
        "seed": scores.seed,
        "seeds": len(scores.seeds) or 1,
        "recipe": scores.recipe_name,
        "recipe_hash": scores.recipe_hash,
        "manifest_digest": scores.manifest_digest,
        "seconds": None,
    }
    values |= _clean(main)
    for system in scores.systems[1:]:
        values |= {f"{system.system}_{k}": v for k, v in _spreads(system, CLEAN).items()}
    values |= _noisy(main)
    values |= _compared(scores)
    return values


def _clean(main: SystemScores) -> dict[str, Value]:
    values = _spreads(main, CLEAN)
    for metric in ("wer", "wer_normalised", "cer"):
        spread = main.clean.spreads.get(metric)
        values[metric] = getattr(main.clean.pooled, metric)
        values[f"{metric}_mean"] = spread.mean if spread else None
        values[f"{metric}_sd"] = spread.sd if spread else None
        if metric in main.clean.seed_spreads:
            values[f"{metric}_seed_sd"] = main.clean.seed_spreads[metric].sd
    speaker = main.speaker
    if speaker is not None and speaker.seed_spread is not None:
        values["speaker_accuracy_seed_sd"] = speaker.seed_spread.sd
    values["speaker_accuracy"] = speaker.pooled if speaker else None
    values["speaker_accuracy_mean"] = speaker.spread.mean if speaker else None
    values["speaker_accuracy_sd"] = speaker.spread.sd if speaker else None
    for metric, interval in main.bootstrap.items():
        values |= {f"{metric}_speakers_low": interval.low, f"{metric}_speakers_high": interval.high}
    for metric in ("calibration_error", "brier", "log_loss"):
        values[metric] = getattr(main.clean.pooled, metric)
    for style, numbers in main.clean.styles.items():
        values |= {f"{style}_wa": numbers.wa, f"{style}_ua": numbers.ua}
    if main.validation is not None:
        for name, metric in SHORT.items():
            values[f"validation_{name}_mean"] = main.validation.spreads[metric].mean
    return values


def _spreads(system: SystemScores, condition: str) -> dict[str, Value]:
    measured = system.condition(condition)
    spreads, over_seeds = measured.spreads, measured.seed_spreads
    values: dict[str, Value] = {}
    for name, metric in SHORT.items():
        values[f"{name}_mean"] = spreads[metric].mean
        values[f"{name}_sd"] = spreads[metric].sd
        if metric in over_seeds:
            values[f"{name}_seed_sd"] = over_seeds[metric].sd
    return values


def _noisy(main: SystemScores) -> dict[str, Value]:
    values: dict[str, Value] = {}
    noisy = [scores for scores in main.test if scores.condition != CLEAN]
    named = [noise_facts.parts(scores.condition) or (scores.condition, "") for scores in noisy]
    for scores, (kind, level) in zip(noisy, named, strict=True):
        prefix = f"snr_{level}" if kind == named[0][0] else f"{kind}_snr_{level}"
        values |= {f"{prefix}_{k}": v for k, v in _spreads(main, scores.condition).items()}
        values[f"{prefix}_wer"] = scores.pooled.wer
    return values


def _compared(scores: Scores) -> dict[str, Value]:
    values: dict[str, Value] = {}
    if scores.comparisons:
        values["compared_with"] = scores.comparisons[0].other
    for row in scores.comparisons:
        end = (
            row.metric if row.other == scores.comparisons[0].other else f"{row.metric}_{row.other}"
        )
        if row.welch is not None:
            values[f"welch_p_{end}"] = row.welch.p
            values[f"welch_low_{end}"], values[f"welch_high_{end}"] = row.welch.interval
            values[f"welch_holm_p_{end}"] = row.p_holm
            values[f"hedges_g_{end}"] = row.welch.hedges_g
        if row.corrected is not None and row.corrected.interval is not None:
            low, high = row.corrected.interval
            values |= {f"corrected_p_{end}": row.corrected.p, f"corrected_low_{end}": low}
            values |= {f"corrected_high_{end}": high, f"corrected_holm_p_{end}": row.p_adjusted}
        if row.bootstrap is not None:
            values[f"difference_low_{end}"] = row.bootstrap.low
            values[f"difference_high_{end}"] = row.bootstrap.high
        if row.mcnemar is not None:
            values[f"mcnemar_p_{end}"] = row.mcnemar.p
    return values


def set_seconds(path: Path, seconds: float) -> dict[str, object]:
    """The summary in the file `path`, there too with the wall time of the whole run.

    The file is replaced, not written into: it may be a link to a step's own.
    """
    content: dict[str, object] = json.loads(read_text(path))
    content["seconds"] = round(seconds, 1)
    write_text(path, json.dumps(content, indent=1) + "\n")
    return content
