"""How far a corpus is from the one that the champion was made of.

Limits are sizes of effects. P-values are shown beside them and decide nothing: with thousands of
utterances a difference of no consequence has a small one.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mtlser.data import clips
from mtlser.errors import MtlserError
from mtlser.recipe import DriftRecipe
from mtlser.records import SAMPLE_RATE_HZ, Utterance
from mtlser.registry.drift_records import Measure

FIELDS = ("gender", "session", "dialogue", "recording", "style", "text")
"""What an utterance may lack."""
SAMPLING = f"{SAMPLE_RATE_HZ} Hz, 1 channel"
"""What ingest writes, and every champion was trained on."""
LOOKED_AT = 100


def measures(
    champion: Sequence[Utterance],
    now: Sequence[Utterance],
    limits: DriftRecipe,
    sampling: str = SAMPLING,
) -> tuple[Measure, ...]:
    """Every comparison of the corpus `now` with the champion's, judged by the recipe's limits.

    Args:
        champion: utterances that the champion was made of.
        now: utterances of the new corpus.
        limits: `[drift]` of the recipe.
        sampling: of the new corpus' files, as `SAMPLING` is written.

    Raises:
        MtlserError: either is empty.
    """
    for name, utterances in (("the champion's manifest", champion), ("the new manifest", now)):
        if not utterances:
            raise MtlserError(f"{name} has no utterance; run `mtlser ingest` again")
    added = added_to(champion, now)
    enough = len(added) >= limits.min_added
    return (
        *schema(champion, now, limits, sampling),
        classes(champion, now, limits),
        spread("duration", "duration_s", "s", champion, now, limits.max_duration_ks),
        spread("level", "level_dbfs", "dBFS", champion, now, limits.max_level_ks),
        *_of_added(champion, added, limits.max_added_ks if enough else None),
        *retention(champion, now, limits),
    )


def sampling(corpus: Path, utterances: Sequence[Utterance]) -> str:
    """Rate and channels of the corpus' audio, as `SAMPLING` is written.

    Headers of `LOOKED_AT` files spread over the corpus are read.

    Raises:
        MtlserError: one of them is missing or is no audio.
    """
    import soundfile

    step = max(1, len(utterances) // LOOKED_AT)
    formats = set()
    for utterance in utterances[::step]:
        path = clips.place(corpus, utterance.audio)
        if clips.holds(corpus, utterance):
            formats.add(SAMPLING)
            continue
        try:
            info = soundfile.info(path)
        except (soundfile.LibsndfileError, OSError) as error:
            raise MtlserError(
                f"{path}: no audio that can be read ({error}); run `mtlser ingest` again"
            ) from None
        channels = "1 channel" if info.channels == 1 else f"{info.channels} channels"
        formats.add(f"{info.samplerate} Hz, {channels}")
    return "; ".join(sorted(formats))


def added_to(champion: Sequence[Utterance], now: Sequence[Utterance]) -> list[Utterance]:
    """Utterances whose id the champion's corpus has not."""
    known = {utterance.id for utterance in champion}
    return [utterance for utterance in now if utterance.id not in known]


def changed(champion: Sequence[Utterance], now: Sequence[Utterance]) -> list[str]:
    """Ids of both corpora whose audio, emotion, speaker or text is another."""
    before = {utterance.id: _content(utterance) for utterance in champion}
    return [u.id for u in now if u.id in before and before[u.id] != _content(u)]


def schema(
    champion: Sequence[Utterance],
    now: Sequence[Utterance],
    limits: DriftRecipe,
    sampling: str = SAMPLING,
) -> tuple[Measure, ...]:
    """What the corpora are made of, a row each; the first counts the rows that differ.

    A field counts as filled where any utterance has it.
    """
    rows = {"sampling": (SAMPLING, sampling)}
    for name, of in (("corpus", "corpus"), ("languages", "language"), ("classes", "emotion")):
        rows[name] = (_names(champion, of), _names(now, of))
    rows["filled fields"] = (_filled(champion), _filled(now))
    differing = [name for name, (before, after) in rows.items() if before != after]
    before = ", ".join(f"{name}: {rows[name][0]}" for name in differing)
    after = ", ".join(f"{name}: {rows[name][1]}" for name in differing)
    return (
        Measure(
            name="schema",
            champion=before or "as now",
            now=after or "the same",
            effect=float(len(differing)),
            scale="count",
            limit=float(limits.max_schema_changes),
            key="max_schema_changes",
        ),
    )


def classes(
    champion: Sequence[Utterance], now: Sequence[Utterance], limits: DriftRecipe
) -> Measure:
    """The class shares: population stability index, with the chi-square test and Cramer's V."""
    from scipy import stats
    from scipy.stats import contingency

    counts = [Counter(utterance.emotion for utterance in side) for side in (champion, now)]
    names = sorted(counts[0].keys() | counts[1].keys())
    table_sc = np.asarray([[count[name] for name in names] for count in counts])
    several = len(names) > 1
    return Measure(
        name="class balance",
        champion=_shares(counts[0]),
        now=_shares(counts[1]),
        effect=stability_index(counts[0], counts[1]),
        scale="psi",
        limit=limits.max_class_psi,
        key="max_class_psi",
        p=float(stats.chi2_contingency(table_sc).pvalue) if several else None,
        cramers_v=float(contingency.association(table_sc, method="cramer")) if several else None,
    )


def stability_index(before: Mapping[str, int], after: Mapping[str, int]) -> float:
    """Population stability index of two counts: `sum((q - p) * ln(q / p))`, 0 or more.

    The symmetric Kullback-Leibler divergence (Jeffreys 1946, doi 10.1098/rspa.1946.0056); half an
    utterance is added to each class, so that an empty one has a share.

    >>> round(stability_index({"sad": 50, "angry": 50}, {"sad": 80, "angry": 20}), 3)
    0.406
    >>> stability_index({"sad": 5}, {"sad": 50})
    0.0
    """
    names = sorted(before.keys() | after.keys())
    p_c, q_c = (
        np.asarray([side.get(name, 0) + 0.5 for name in names], dtype=np.float64)
        for side in (before, after)
    )
    p_c, q_c = p_c / p_c.sum(), q_c / q_c.sum()
    return float(((q_c - p_c) * np.log(q_c / p_c)).sum())


def spread(
    name: str,
    field: str,
    unit: str,
    champion: Sequence[Utterance],
    now: Sequence[Utterance],
    limit: float | None,
    key: str = "",
) -> Measure:
    """The two-sample Kolmogorov-Smirnov distance of a number that utterances have."""
    from scipy import stats

    before, after = (
        np.asarray([getattr(utterance, field) for utterance in side], dtype=np.float64)
        for side in (champion, now)
    )
    tested = stats.ks_2samp(before, after)
    return Measure(
        name=name,
        champion=f"median {np.median(before):.2f} {unit}",
        now=f"median {np.median(after):.2f} {unit}",
        effect=float(tested.statistic),
        scale="ks",
        limit=limit,
        key=(key or f"max_{name}_ks") if limit is not None else "",
        p=float(tested.pvalue),
    )


def retention(
    champion: Sequence[Utterance], now: Sequence[Utterance], limits: DriftRecipe
) -> tuple[Measure, ...]:
    """Shares of the champion's speakers and utterances that are gone, or are others now."""
    speakers = [{utterance.speaker for utterance in side} - {None} for side in (champion, now)]
    ids = [{utterance.id for utterance in side} for side in (champion, now)]
    others = len(changed(champion, now))
    gone = [before - now for before, now in (speakers, ids)]
    both = ids[0] & ids[1]
    return (
        _share(
            "lost speakers",
            f"{len(speakers[0])} speakers",
            f"{len(speakers[1])} speakers, {len(gone[0])} gone",
            len(gone[0]) / max(1, len(speakers[0])),
            limits.max_lost_speakers,
        ),
        _share(
            "lost utterances",
            f"{len(ids[0])} utterances",
            f"{len(ids[1])} utterances, {len(gone[1])} gone",
            len(gone[1]) / len(ids[0]),
            limits.max_lost_utterances,
        ),
        _share(
            "changed utterances",
            f"{len(ids[0])} utterances",
            f"{others} of {len(both)} changed",
            others / max(1, len(both)),
            limits.max_changed_utterances,
        ),
    )


def _share(name: str, champion: str, now: str, effect: float, limit: float) -> Measure:
    """A share of the champion's data, under the limit that is named like it."""
    return Measure(
        name=name,
        champion=champion,
        now=now,
        effect=effect,
        scale="share",
        limit=limit,
        key=f"max_{name.replace(' ', '_')}",
    )


def _of_added(
    champion: Sequence[Utterance], added: Sequence[Utterance], limit: float | None
) -> tuple[Measure, ...]:
    """The added utterances alone against the champion's; nothing where none is."""
    if not added:
        return ()
    return tuple(
        spread(f"{name} of {len(added)} added", field, unit, champion, added, limit, "max_added_ks")
        for name, field, unit in (("duration", "duration_s", "s"), ("level", "level_dbfs", "dBFS"))
    )


def _content(utterance: Utterance) -> tuple[str, ...]:
    return utterance.audio_sha256, utterance.emotion, utterance.speaker or "", utterance.text or ""


def _names(utterances: Sequence[Utterance], field: str) -> str:
    return " ".join(sorted({str(getattr(utterance, field)) for utterance in utterances}))


def _filled(utterances: Sequence[Utterance]) -> str:
    filled = [name for name in FIELDS if any(getattr(u, name) is not None for u in utterances)]
    return " ".join(filled) or "none"


def _shares(counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    return ", ".join(f"{name} {100 * counts[name] / total:.0f} %" for name in sorted(counts))
