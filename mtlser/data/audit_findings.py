"""What an audit says in sentences: how folds violate speaker separation, and what else to know."""

from collections.abc import Sequence

from mtlser.data.audit_records import SHOWN, FoldAudit
from mtlser.data.fingerprints import Near
from mtlser.data.guesses import GUESSES
from mtlser.records import Utterance

NOTED_MARGIN = 0.05
"""A baseline without audio that is this much above the majority class is a finding."""


def reasons(overall: FoldAudit) -> tuple[str, ...]:
    """How the plan violates speaker separation, as sentences."""
    shared = overall.shared
    everything = shared.utterances
    sentences = []
    if shared.by_speakers_in_train:
        sentences.append(
            f"{_share(shared.by_speakers_in_train, everything)} of the test utterances are by "
            "speakers who are also in training"
        )
    if shared.by_unknown_speakers:
        sentences.append(
            f"for {_share(shared.by_unknown_speakers, everything)} of the test utterances it is "
            "not known whether their speakers are also in training"
        )
    if shared.in_dialogues_of_train:
        sentences.append(
            f"{_share(shared.in_dialogues_of_train, everything)} of the test utterances are from "
            "dialogues that are also in training"
        )
    if shared.audio_in_train:
        sentences.append(
            f"{_share(shared.audio_in_train, everything)} of the test utterances are also in "
            "training, sample by sample"
        )
    if shared.near_audio_in_train:
        sentences.append(
            f"{_share(shared.near_audio_in_train, everything)} of the test utterances are "
            f"near-identical to one in training{_named(overall, 'train')}"
        )
    return tuple(sentences)


def remarks(overall: FoldAudit) -> tuple[str, ...]:
    """What else affects the scores, without violating speaker separation."""
    shared = overall.shared
    sentences = []
    if shared.texts_in_train:
        sentences.append(
            f"{_share(shared.texts_in_train, shared.utterances)} of the test utterances have a "
            "transcript that is also in training: the speakers are still separate, but the text "
            "can reveal the label, and the WER is measured on sentences that training contains"
        )
    if shared.audio_in_validation:
        sentences.append(
            f"{_share(shared.audio_in_validation, shared.utterances)} of the test utterances are "
            "also in validation, sample by sample"
        )
    if shared.near_audio_in_validation:
        sentences.append(
            f"{_share(shared.near_audio_in_validation, shared.utterances)} of the test utterances "
            f"are near-identical to one in validation{_named(overall, 'validation')}"
        )
    majority, best = overall.no_audio_guess[0], overall.best_guess
    if best.wa >= majority.wa + NOTED_MARGIN:
        sentences.append(
            f"a baseline that uses no audio, {GUESSES[best.name]}, reaches {best.wa:.1%} accuracy; "
            f"the most common class reaches {majority.wa:.1%}"
        )
    return tuple(sentences)


def searched(near: Near | None) -> tuple[str, ...]:
    """A sentence where near-identical audio was looked for by a part of the fingerprints alone."""
    if near is None or near.looked_up == 1:
        return ()
    return (
        f"near-identical audio was looked for by {near.looked_up:.0%} of the fingerprints' words, "
        "because the corpus is that large: more of the noisy copies are missed",
    )


def contradictions(utterances: Sequence[Utterance]) -> tuple[str, ...]:
    """A sentence where identical audio has more than one class."""
    first: dict[str, str] = {}
    audio = {
        u.audio_sha256
        for u in utterances
        if first.setdefault(u.audio_sha256, u.emotion) != u.emotion
    }
    torn = [u.id for u in utterances if u.audio_sha256 in audio]
    if not torn:
        return ()
    named = f"{', '.join(sorted(torn)[:SHOWN])}{', ...' if len(torn) > SHOWN else ''}"
    return (f"{len(torn)} utterances have the samples of one of another class ({named})",)


def _named(overall: FoldAudit, side: str) -> str:
    """The first pairs in parentheses, training's first; empty where none is named."""
    pairs = [f"{p.first} and {p.second}" for p in overall.near_identical if p.side == side]
    return f" ({', '.join(pairs)})" if pairs else ""


def _share(part: int, whole: int) -> str:
    """Text such as `3 of 12 (25.0 %)`."""
    return f"{part} of {whole} ({100 * part / whole:.1f} %)"
