"""What training and test of a fold plan have in common."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from mtlser.data import audit_findings, folds
from mtlser.data.audit_records import SHOWN, Audit, FoldAudit, NearPair, Shared
from mtlser.data.fingerprints import Near
from mtlser.data.guesses import GUESSES, Guess, guesses, turns_of
from mtlser.errors import MtlserError
from mtlser.records import Fold, FoldPlan, Utterance

__all__ = ["Audit", "FoldAudit", "Shared", "audit", "describe", "gate", "verdict", "without_near"]


def audit(utterances: Sequence[Utterance], plan: FoldPlan, near: Near | None = None) -> Audit:
    """What the plan's test sets share with training, by fold and over all folds.

    The verdict is `leaks` where a speaker, a dialogue, identical or near-identical audio is on
    both sides. A transcript on both sides is reported but does not violate speaker separation:
    scripted corpora repeat their sentences by design.

    Args:
        utterances: the manifest.
        plan: the folds.
        near: near-identical audio by SHA-256; `None`: there are no fingerprints.

    Raises:
        MtlserError: the plan does not fit the utterances; see `folds.check`.
    """
    folds.check(plan, utterances)
    by_id = {u.id: u for u in utterances}
    turns = turns_of(utterances)
    parts = tuple(_audit_fold(fold, by_id, turns, near) for fold in plan.folds)
    overall = _together(parts)
    reasons = audit_findings.reasons(overall)
    return Audit(
        protocol=plan.protocol,
        manifest_digest=plan.manifest_digest,
        verdict="leaks" if reasons else "clean",
        reasons=reasons,
        findings=(
            *audit_findings.remarks(overall),
            *audit_findings.searched(near),
            *audit_findings.contradictions(utterances),
        ),
        best_guess=overall.best_guess,
        overall=overall,
        folds=parts,
    )


def describe(audit: Audit) -> str:
    """The audit as text for a terminal: verdict, findings, baselines, and a line for each fold."""
    head = f"protocol {audit.protocol}: {audit.verdict.upper()}"
    if audit.verdict == "clean":
        head += " (no speaker, dialogue or recording of test is in training)"
    lines = [head, *(f"  - {line}" for line in (*audit.reasons, *audit.findings))]
    lines.append("baselines that use no audio, accuracy over all test utterances:")
    for guess in audit.overall.no_audio_guess:
        mark = "  <- best" if guess == audit.best_guess else ""
        lines.append(f"  {guess.wa:6.1%}  {guess.name:<12}  {GUESSES[guess.name]}{mark}")
    width = max(len(part.name) for part in (*audit.folds, audit.overall))
    columns = (
        "test",
        "same speaker",
        "same dialogue",
        "same text",
        "same audio",
        "near audio",
        "best baseline",
    )
    lines.append("test utterances that share something with training:")
    lines.append("  " + "fold".ljust(width) + "".join(f"{word:>15}" for word in columns))
    for part in (*audit.folds, audit.overall):
        shared, best = part.shared, part.best_guess
        cells = (
            str(shared.utterances),
            str(shared.by_speakers_in_train),
            str(shared.in_dialogues_of_train),
            str(shared.texts_in_train),
            str(shared.audio_in_train),
            "-" if shared.near_audio_in_train is None else str(shared.near_audio_in_train),
            f"{best.wa:.1%}",
        )
        lines.append("  " + part.name.ljust(width) + "".join(f"{cell:>15}" for cell in cells))
    return "\n".join(lines)


def without_near(audit: Audit) -> Audit:
    """The audit as it would be without fingerprints, without its sentences."""
    none = {"near_audio_in_train": None, "near_audio_in_validation": None}
    parts = [
        part.model_copy(
            update={"shared": part.shared.model_copy(update=none), "near_identical": ()}
        )
        for part in (audit.overall, *audit.folds)
    ]
    changes = {"overall": parts[0], "folds": tuple(parts[1:]), "verdict": verdict(parts[0])}
    return audit.model_copy(update={**changes, "reasons": (), "findings": ()})


def verdict(overall: FoldAudit) -> Literal["leaks", "clean"]:
    """What the counts over all folds amount to."""
    return "leaks" if audit_findings.reasons(overall) else "clean"


def _audit_fold(
    fold: Fold, by_id: Mapping[str, Utterance], turns: Mapping[str, int], near: Near | None
) -> FoldAudit:
    train = [by_id[name] for name in fold.train]
    test = [by_id[name] for name in fold.test]
    validation = [by_id[name] for name in fold.validation]
    shared = _shared(train, validation, test)
    pairs: tuple[NearPair, ...] = ()
    if near is not None:
        in_train, in_validation = _near(near, train, test), _near(near, validation, test)
        shared = shared.model_copy(
            update={
                "near_audio_in_train": len(in_train),
                "near_audio_in_validation": len(in_validation),
            }
        )
        sides: tuple[tuple[Literal["train", "validation"], dict[str, str]], ...] = (
            ("train", in_train),
            ("validation", in_validation),
        )
        pairs = tuple(
            NearPair(side=side, first=first, second=second)
            for side, found in sides
            for second, first in found.items()
        )
    return FoldAudit(
        name=fold.name,
        shared=shared,
        no_audio_guess=guesses(train, test, turns),
        near_identical=pairs[:SHOWN],
    )


def _near(near: Near, first: Sequence[Utterance], second: Sequence[Utterance]) -> dict[str, str]:
    """For ids of the second side, the id of a near-identical utterance of the first."""
    ids = {u.audio_sha256: u.id for u in reversed(first)}
    there = {u.id: near[u.audio_sha256] & ids.keys() for u in second if u.audio_sha256 in near}
    return {name: min(ids[sha] for sha in found) for name, found in there.items() if found}


def _shared(
    train: Sequence[Utterance], validation: Sequence[Utterance], test: Sequence[Utterance]
) -> Shared:
    own_speakers = {u.speaker for u in test} - {None}
    own_dialogues = {u.dialogue for u in test} - {None}
    own_texts = {u.text for u in test} - {None}
    own_audio = {u.audio_sha256 for u in test}
    # What both sides have: sets of test, since train has most of the corpus.
    speakers = {u.speaker for u in train if u.speaker in own_speakers}
    dialogues = {u.dialogue for u in train if u.dialogue in own_dialogues}
    texts = {u.text for u in train if u.text in own_texts}
    audio = {u.audio_sha256 for u in train if u.audio_sha256 in own_audio}
    chosen_on = {u.audio_sha256 for u in validation if u.audio_sha256 in own_audio}
    return Shared(
        utterances=len(test),
        speakers=len(own_speakers),
        speakers_in_train=len(speakers),
        by_speakers_in_train=sum(u.speaker in speakers for u in test),
        by_unknown_speakers=len(test)
        if any(u.speaker is None for u in train)
        else sum(u.speaker is None for u in test),
        dialogues=len(own_dialogues),
        dialogues_in_train=len(dialogues),
        in_dialogues_of_train=sum(u.dialogue in dialogues for u in test),
        texts_in_train=sum(u.text in texts for u in test),
        audio_in_train=sum(u.audio_sha256 in audio for u in test),
        audio_in_validation=sum(u.audio_sha256 in chosen_on for u in test),
    )


def _together(parts: Sequence[FoldAudit]) -> FoldAudit:
    """All folds as one: counts summed, scores weighted by test utterances."""
    weights = [part.shared.utterances for part in parts]
    total = sum(weights)

    def mean(values: Iterable[float]) -> float:
        return min(1.0, sum(v * w for v, w in zip(values, weights, strict=True)) / total)

    return FoldAudit(
        name="all",
        shared=Shared.model_validate(
            {
                field: _sum([getattr(part.shared, field) for part in parts])
                for field in Shared.model_fields
            }
        ),
        near_identical=tuple(pair for part in parts for pair in part.near_identical)[:SHOWN],
        no_audio_guess=tuple(
            Guess(
                name=name,
                wa=mean(part.no_audio_guess[place].wa for part in parts),
                covered=mean(part.no_audio_guess[place].covered for part in parts),
            )
            for place, name in enumerate(GUESSES)
        ),
    )


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def gate(audit: Audit, plan: FoldPlan) -> None:
    """Refuses folds that violate the speaker separation of their protocol.

    Raises:
        MtlserError: they do; how, and what to do next.
    """
    sentence = refusal(audit, plan)
    if sentence is not None:
        raise MtlserError(sentence)


def refusal(audit: Audit, plan: FoldPlan) -> str | None:
    """Why `split` refuses the folds, and what to do next; `None`: it does not."""
    if not audit.reasons or plan.leaks:
        return None
    return (
        f"the folds violate the speaker separation of protocol {plan.protocol}: "
        f"{'; '.join(audit.reasons)}; correct the corpus (`mtlser audit` shows each fold), say at "
        'ingest that two names are one person with `--set data.merge_speakers=[["A","B"]]`, or '
        "choose a protocol without speaker separation: `--set split.protocol=random`"
    )
