"""Ingest: writes manifest, `ingest.json`, fingerprints, facts and `audio/` from a corpus."""

import hashlib
import json
import logging
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mtlser import runtime
from mtlser.data import (
    clip_facts,
    confounds,
    corpora,
    data_warnings,
    labels,
    measured,
    text,
)
from mtlser.data.clips import Writer
from mtlser.data.corpora import Corpus
from mtlser.data.corpus_labels import Labelled, labelled
from mtlser.data.earlier import Earlier
from mtlser.data.fingerprints import Spilled
from mtlser.data.ingest_outcomes import DUPLICATE_ID, Places, outcomes_of
from mtlser.data.ingest_report import Difference, IngestReport, LeftOut, describe
from mtlser.data.outcome import Outcome
from mtlser.errors import MtlserError
from mtlser.recipe import DataRecipe, LabelsRecipe, Recipe
from mtlser.records import Utterance, write_json

REPORT = "ingest.json"
BLOCK = 1_000
"""Utterances that are hashed at a time."""

UNKNOWN = "not known"
"""In counts by speaker."""

log = logging.getLogger(__name__)


def build(
    recipe: Recipe,
    roots: Sequence[Path],
    folder: Path,
    earlier: Path | None = None,
    under_way: Path | None = None,
) -> None:
    """Decodes the recipe's corpora from `roots` and writes them as one corpus folder.

    Args:
        recipe: its sections of data name each corpus, the length limits and the share of faults.
        roots: the release of each, as downloaded.
        folder: where `manifest.jsonl`, `ingest.json` and `audio/` are written.
        earlier: corpus folder of the last ingest, whose clips are taken where their recordings have
            not changed; `None`: all are decoded.
        under_way: folder in which a killed ingest leaves what it has decoded, for the next one;
            `None`: nothing is left.

    Raises:
        MtlserError: a root holds no such corpus, nothing of the task, or more faulty files than
            `data.max_faulty` allows.
    """
    before = [Earlier(each) for each in (earlier, *measured.left_by(under_way)) if each is not None]
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        words = Spilled(file)
        parts, utterances, facts = _written(recipe, roots, folder, before, under_way, words)
    report = _report(recipe, parts, utterances, facts)
    write_json(folder / REPORT, report)
    log.info("%s", describe(report))
    for difference in report.differs_from_release or ():
        log.warning(
            "%s: %s: %d utterances, the release has %d",
            report.corpus, difference.what, difference.found, difference.expected,
        )  # fmt: skip


def _written(
    recipe: Recipe,
    roots: Sequence[Path],
    folder: Path,
    before: list[Earlier],
    under_way: Path | None,
    words: Spilled,
) -> tuple[list["Part"], list[Utterance], dict[str, clip_facts.ClipFacts]]:
    """Decodes the corpora and writes all but the report; what is left of `before` is let go."""
    writer = Writer(folder)
    kept_clips = measured.UnderWay(under_way, folder, words)
    parts = []
    for source in labelled(recipe, roots):
        progress = runtime.Progress(f"ingest {source.data.called}", log.info)
        places = Places(source.root, before, writer, words, kept_clips)
        outcomes = outcomes_of(source.items, source.classes, source.data, places, progress)
        part = Part(source, outcomes)
        _refuse_faulty(part.outcomes, source.data, source.root)
        _refuse_empty(part)
        parts.append(part)
    before.clear()  # it has all that is known of each clip
    outcomes = [outcome for part in parts for outcome in part.outcomes]
    kept = Counter(o.utterance.emotion for o in outcomes if o.utterance)
    found: Counter[str] = sum((part.source.found for part in parts), Counter())
    labels.refuse_absent(recipe.labels, kept, found)
    utterances = measured.write(folder, outcomes, writer.close(), words)
    return parts, utterances, {o.facts.id: o.facts for o in outcomes if o.facts is not None}


@dataclass(frozen=True)
class Part:
    """One corpus and what became of its items."""

    source: Labelled
    outcomes: list[Outcome]


def members(utterances: Iterable[Utterance], ids: Sequence[str]) -> list[Utterance]:
    """The utterances with these ids, in that order."""
    by_id = {utterance.id: utterance for utterance in utterances}
    return [by_id[name] for name in ids]


def digest(utterances: Iterable[Utterance]) -> str:
    """SHA-256 over ids, audio, emotions, speakers and texts, whatever their order.

    It does not depend on paths, nor on what is derived from the audio.
    """
    rows = sorted(
        (u.id, u.audio_sha256, u.emotion, u.speaker or "", u.text or "") for u in utterances
    )
    hashed = hashlib.sha256(b"[")  # of one JSON list, written part by part to save memory
    for start in range(0, len(rows), BLOCK):
        text = json.dumps(rows[start : start + BLOCK])[1:-1]
        hashed.update(f"{', ' if start else ''}{text}".encode())
    hashed.update(b"]")
    return hashed.hexdigest()


def _refuse_faulty(outcomes: Sequence[Outcome], data: DataRecipe, root: Path) -> None:
    faulty = [outcome for outcome in outcomes if outcome.faulty]
    task = sum(
        outcome.item.left_out is None and outcome.reason not in {DUPLICATE_ID, corpora.OUTSIDE_TASK}
        for outcome in outcomes
    )
    if faulty and len(faulty) > data.max_faulty * task:
        first = faulty[0]
        raise MtlserError(
            f"{root}: {len(faulty)} of {task} task files are unreadable, empty or silent, over "
            f"data.max_faulty = {data.max_faulty:g}; the first is {first.item.path}: "
            f"{first.reason}: {first.detail}; repair them, or allow more with "
            "`--set data.max_faulty=SHARE`"
        )


def _refuse_empty(part: Part) -> None:
    if any(outcome.utterance for outcome in part.outcomes):
        return
    raise MtlserError(
        f"{part.source.root}: {len(part.outcomes)} items, none of the recipe's classes within its "
        f"limits; labels: {labels.shown(part.source.found) or 'none'}; left out: "
        f"{_reasons(part.outcomes)}; check --root, --corpus, [labels] and data.min_duration_s, "
        "data.max_duration_s"
    )


def _reasons(outcomes: Iterable[Outcome]) -> str:
    counts = _counted(outcome.reason for outcome in outcomes if outcome.reason)
    return ", ".join(f"{reason} {count}" for reason, count in counts.items()) or "none"


def _report(
    recipe: Recipe,
    parts: Sequence[Part],
    utterances: Sequence[Utterance],
    facts: Mapping[str, clip_facts.ClipFacts],
) -> IngestReport:
    outcomes = [outcome for part in parts for outcome in part.outcomes]
    used = [outcome.item for outcome in outcomes if outcome.utterance]
    dropped: Counter[str] = Counter()
    for part in parts:
        for outcome in part.outcomes:
            if outcome.utterance and outcome.item.text:
                alphabet = part.source.data.alphabet
                cleaned = text.clean(outcome.item.text, outcome.item.language, alphabet)
                dropped.update(dict(cleaned.dropped))
    emotions = Counter(utterance.emotion for utterance in utterances)
    speakers = _counted(utterance.speaker or UNKNOWN for utterance in utterances)
    given_away = confounds.confounds(
        utterances, {name: each.rate_hz for name, each in facts.items()}
    )
    return IngestReport(
        corpus=recipe.corpus,
        digest=digest(utterances),
        seen=len(outcomes),
        kept=len(utterances),
        hours=round(sum(utterance.duration_s for utterance in utterances) / 3600, 4),
        left_out=tuple(_left_out(outcomes)),
        missing_transcripts=sum(utterance.text is None for utterance in utterances),
        length_unknown=tuple(o.item.id for o in outcomes if o.utterance and not o.length_known),
        dropped_characters=dict(sorted(dropped.items())),
        by_emotion={name: emotions[name] for name in labels.classes_of(recipe.labels, utterances)},
        by_label=_counted(item.label or "" for item in used),
        by_speaker=speakers,
        by_style=_counted(utterance.style or "none" for utterance in utterances),
        by_corpus=_counted(u.corpus for u in utterances) if len(parts) > 1 else {},
        warnings=data_warnings.warnings(utterances, facts, given_away, _release_rates(parts)),
        confounds=given_away,
        differs_from_release=_compared(recipe.labels, parts),
    )


def _release_rates(parts: Iterable[Part]) -> dict[str, int]:
    """Sample rates of published releases in Hz, by the name of their corpus."""
    rates = {part.source.data.called: part.source.corpus.rate_hz for part in parts}
    return {name: rate for name, rate in rates.items() if rate is not None}


def differences(
    corpus: Corpus, labelled: int, used: Sequence[tuple[str, str | None]]
) -> tuple[Difference, ...] | None:
    """Counts that differ from the release's; `None` where the folder is too small to be it.

    Args:
        corpus: the reader.
        labelled: items with a label of the four classes.
        used: class and speaker of each utterance.
    """
    release = corpus.release
    if release is None or labelled < release.fewest_labelled:
        return None
    pairs = (
        ("emotion", release.by_emotion, Counter(emotion for emotion, _ in used)),
        ("speaker", release.by_speaker, Counter(speaker or UNKNOWN for _, speaker in used)),
    )
    return tuple(
        Difference(what=f"{what} {name}", expected=expected.get(name, 0), found=counts[name])
        for what, expected, counts in pairs
        for name in sorted(expected.keys() | counts.keys())
        if expected and expected.get(name, 0) != counts[name]
    )


def _compared(recipe: LabelsRecipe, parts: Sequence[Part]) -> tuple[Difference, ...] | None:
    """`differences` of all corpora; `None` where other classes than the four are asked for."""
    if recipe.map or recipe.classes not in {None, "four"}:
        return None
    compared: list[Difference] = []
    known = False
    for part in parts:
        four = part.source.corpus.naming.four or {}
        task = sum(outcome.item.label in four for outcome in part.outcomes)
        used = [(o.utterance.emotion, o.utterance.speaker) for o in part.outcomes if o.utterance]
        name = part.source.data.called
        bare = [(emotion, who and who.removeprefix(f"{name}/")) for emotion, who in used]
        found = differences(part.source.corpus, task, bare if len(parts) > 1 else used)
        if found is not None:
            known = True
            compared += [_named(each, name) if len(parts) > 1 else each for each in found]
    return tuple(compared) if known else None


def _named(difference: Difference, corpus: str) -> Difference:
    return difference.model_copy(update={"what": f"{corpus}: {difference.what}"})


def _left_out(outcomes: Iterable[Outcome]) -> Iterator[LeftOut]:
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.reason:
            groups.setdefault(outcome.reason, []).append(outcome)
    for reason, group in sorted(groups.items()):
        yield LeftOut(
            reason=reason,
            count=len(group),
            ids=tuple(outcome.item.id for outcome in group),
            faulty=group[0].faulty,
            first=f"{group[0].item.id}: {group[0].detail}" if group[0].detail else None,
        )


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))
