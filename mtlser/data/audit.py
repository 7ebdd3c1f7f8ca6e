"""What a fold plan leaks from train to test."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from mtlser.data import folds
from mtlser.data.guesses import GUESSES, Guess, guesses, turns_of
from mtlser.errors import MtlserError
from mtlser.records import Fold, FoldPlan, Protocol, Record, Utterance

TELLING_MARGIN = 0.05
"""A guess this much above the majority is told among the findings."""

Count = Annotated[int, Field(ge=0)]


class Shared(Record):
    """What test and train have in common; counts are of test."""

    utterances: Count
    speakers: Count
    """Speakers in test."""
    speakers_in_train: Count
    """Those of them who are also in train."""
    by_speakers_in_train: Count
    """Test utterances by such speakers."""
    dialogues: Count
    """Dialogues in test."""
    dialogues_in_train: Count
    in_dialogues_of_train: Count
    """Test utterances of dialogues that are also in train."""
    texts_in_train: Count
    """Test utterances whose transcript also occurs in train."""
    audio_in_train: Count
    """Test utterances whose very samples also occur in train."""
    audio_in_validation: Count
    """Test utterances whose very samples also occur in validation."""


class FoldAudit(Record):
    """One fold, or all folds together: counts are then summed over folds."""

    name: str
    shared: Shared
    no_audio_guess: tuple[Guess, ...]

    @property
    def best_guess(self) -> Guess:
        """The guess with the highest score; the simplest on a tie."""
        return max(self.no_audio_guess, key=lambda guess: guess.wa)


class Audit(Record):
    """What a plan leaks (`audit.json`)."""

    protocol: Protocol
    manifest_digest: str
    verdict: Literal["leaks", "clean"]
    reasons: tuple[str, ...]
    """Why the plan leaks; empty where it is clean."""
    findings: tuple[str, ...]
    """What else a reader of the scores should know; no leak by itself."""
    best_guess: Guess
    overall: FoldAudit
    folds: tuple[FoldAudit, ...]


def audit(utterances: Sequence[Utterance], plan: FoldPlan) -> Audit:
    """What the plan's test sets share with train, fold by fold and together.

    `leaks` is a speaker, a dialogue or duplicate audio on both sides. A transcript on both sides is
    told but is no leak of a speaker: scripted corpora repeat their sentences by design.

    Raises:
        MtlserError: the plan does not fit the utterances; see `folds.check`.
    """
    folds.check(plan, utterances)
    by_id = {u.id: u for u in utterances}
    turns = turns_of(utterances)
    parts = tuple(_audit_fold(fold, by_id, turns) for fold in plan.folds)
    overall = _together(parts)
    reasons = _reasons(overall.shared)
    return Audit(
        protocol=plan.protocol,
        manifest_digest=plan.manifest_digest,
        verdict="leaks" if reasons else "clean",
        reasons=reasons,
        findings=_remarks(overall),
        best_guess=overall.best_guess,
        overall=overall,
        folds=parts,
    )


def describe(audit: Audit) -> str:
    """The audit as text for a terminal: verdict, findings, guesses, and a line per fold."""
    head = f"protocol {audit.protocol}: {audit.verdict.upper()}"
    if audit.verdict == "clean":
        head += " (no speaker, dialogue or audio of test is in train)"
    lines = [head, *(f"  - {told}" for told in (*audit.reasons, *audit.findings))]
    lines.append("guesses without audio, accuracy over all test utterances:")
    for guess in audit.overall.no_audio_guess:
        mark = "  <- best" if guess == audit.best_guess else ""
        lines.append(f"  {guess.wa:6.1%}  {guess.name:<12}  {GUESSES[guess.name]}{mark}")
    width = max(len(part.name) for part in (*audit.folds, audit.overall))
    columns = ("test", "by train spk", "in train dlg", "text in train", "audio dup", "best guess")
    lines.append("test utterances by what train also has:")
    lines.append("  " + "fold".ljust(width) + "".join(f"{word:>15}" for word in columns))
    for part in (*audit.folds, audit.overall):
        shared, best = part.shared, part.best_guess
        cells = (
            str(shared.utterances),
            str(shared.by_speakers_in_train),
            str(shared.in_dialogues_of_train),
            str(shared.texts_in_train),
            str(shared.audio_in_train),
            f"{best.wa:.1%}",
        )
        lines.append("  " + part.name.ljust(width) + "".join(f"{cell:>15}" for cell in cells))
    return "\n".join(lines)


def _audit_fold(fold: Fold, by_id: Mapping[str, Utterance], turns: Mapping[str, int]) -> FoldAudit:
    train = [by_id[name] for name in fold.train]
    test = [by_id[name] for name in fold.test]
    validation = [by_id[name] for name in fold.validation]
    return FoldAudit(
        name=fold.name,
        shared=_shared(train, validation, test),
        no_audio_guess=guesses(train, test, turns),
    )


def _shared(
    train: Sequence[Utterance], validation: Sequence[Utterance], test: Sequence[Utterance]
) -> Shared:
    speakers = {u.speaker for u in train}
    dialogues = {u.dialogue for u in train} - {None}
    texts = {u.text for u in train} - {None}
    audio = {u.audio_sha256 for u in train}
    chosen_on = {u.audio_sha256 for u in validation}
    own_speakers = {u.speaker for u in test}
    own_dialogues = {u.dialogue for u in test} - {None}
    return Shared(
        utterances=len(test),
        speakers=len(own_speakers),
        speakers_in_train=len(own_speakers & speakers),
        by_speakers_in_train=sum(u.speaker in speakers for u in test),
        dialogues=len(own_dialogues),
        dialogues_in_train=len(own_dialogues & dialogues),
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
        shared=Shared(
            **{
                field: sum(getattr(part.shared, field) for part in parts)
                for field in Shared.model_fields
            }
        ),
        no_audio_guess=tuple(
            Guess(
                name=name,
                wa=mean(part.no_audio_guess[place].wa for part in parts),
                covered=mean(part.no_audio_guess[place].covered for part in parts),
            )
            for place, name in enumerate(GUESSES)
        ),
    )


def gate(found: Audit, plan: FoldPlan) -> None:
    """Refuses folds that leak although their protocol promises not to.

    Raises:
        MtlserError: they do; what leaks, and the ways on.
    """
    if found.reasons and not plan.leaks:
        raise MtlserError(
            f"protocol {plan.protocol} would leak on this corpus: {'; '.join(found.reasons)}; mend "
            "the corpus (`mtlser audit` shows fold by fold), or take a protocol that is named as "
            "leaking: `--set split.protocol=random`"
        )


def _reasons(shared: Shared) -> tuple[str, ...]:
    """Why the plan leaks, as sentences."""
    everything = shared.utterances
    told = []
    if shared.by_speakers_in_train:
        told.append(
            f"{_share(shared.by_speakers_in_train, everything)} of the test utterances are by "
            "speakers who are also in train"
        )
    if shared.in_dialogues_of_train:
        told.append(
            f"{_share(shared.in_dialogues_of_train, everything)} of the test utterances are from "
            "dialogues that are also in train"
        )
    if shared.audio_in_train:
        told.append(
            f"{_share(shared.audio_in_train, everything)} of the test utterances are in train "
            "sample by sample"
        )
    return tuple(told)


def _remarks(overall: FoldAudit) -> tuple[str, ...]:
    """What is worth knowing though it is no leak."""
    shared, told = overall.shared, []
    if shared.texts_in_train:
        told.append(
            f"{_share(shared.texts_in_train, shared.utterances)} of the test utterances have a "
            "transcript that is also in train: no leak of a speaker, but text can hint at the "
            "label, and the WER is measured on sentences that train has"
        )
    if shared.audio_in_validation:
        told.append(
            f"{_share(shared.audio_in_validation, shared.utterances)} of the test utterances are "
            "in validation sample by sample"
        )
    majority, best = overall.no_audio_guess[0], overall.best_guess
    if best.wa >= majority.wa + TELLING_MARGIN:
        told.append(
            f"without any audio, {GUESSES[best.name]} already scores {best.wa:.1%}; the most "
            f"common class scores {majority.wa:.1%}"
        )
    return tuple(told)


def _share(part: int, whole: int) -> str:
    """Text such as `3 of 12 (25.0 %)`."""
    return f"{part} of {whole} ({100 * part / whole:.1f} %)"
