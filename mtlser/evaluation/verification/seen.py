"""What a model was fitted and chosen on (`seen.json` in its folder), and whether test is in it."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from mtlser.data import manifest
from mtlser.errors import MtlserError
from mtlser.records import Cell, Fold, FoldPlan, Record, Utterance, read_json

SEEN = "seen.json"
AUDIO_DIGITS = 16
"""Hex digits of an audio digest that are stored: 10,000 clips collide by chance at 3e-12."""


class Seen(Record):
    """All data that had a part in a model."""

    format: int = 1
    cell: str
    manifest: str
    """Digest of the manifest."""
    folds: str
    """Digest of the fold plan."""
    fitted: tuple[str, ...]
    """Ids of the utterances that the weights were fitted on."""
    chosen_on: tuple[str, ...]
    """Ids of those that epoch, alpha and beta were chosen on, or that speaker accuracy is of."""
    speakers: tuple[str, ...]
    """Of both."""
    dialogues: tuple[str, ...]
    """Of the fitted ones."""
    recordings: tuple[str, ...]
    """Of the fitted ones."""
    audio: tuple[str, ...]
    """Leading digits of the audio's SHA-256, of the fitted ones."""


def of(cell: Cell, fold: Fold, plan: FoldPlan, utterances: Sequence[Utterance]) -> Seen:
    """What the training of a cell on a fold sees."""
    fitted = manifest.members(utterances, fold.train)
    chosen_on = manifest.members(utterances, (*fold.validation, *fold.speaker_check))
    both = (*fitted, *chosen_on)
    return Seen(
        cell=cell.text,
        manifest=plan.manifest_digest,
        folds=plan.digest,
        fitted=tuple(sorted(u.id for u in fitted)),
        chosen_on=tuple(sorted(u.id for u in chosen_on)),
        speakers=tuple(sorted(_names(u.speaker for u in both))),
        dialogues=tuple(sorted(_names(u.dialogue for u in fitted))),
        recordings=tuple(sorted(_names(u.recording for u in fitted))),
        audio=tuple(sorted(_names(u.audio_sha256[:AUDIO_DIGITS] for u in fitted))),
    )


def load(model: Path) -> Seen | None:
    """What the model in a folder has seen; `None` where it does not say."""
    path = model / SEEN
    return read_json(path, Seen) if path.is_file() else None


def refuse_tested(
    seen: Seen, model: Path, fold: Fold, plan: FoldPlan, utterances: Sequence[Utterance] | None
) -> None:
    """Refuses a model that has seen what the fold tests.

    Utterances may never be shared. Speakers, dialogues, recordings and identical audio may be
    under a protocol that is named as leaking; they can be compared where the manifest is at hand.

    Args:
        seen: what the model has seen.
        model: its folder, to be named.
        fold: whose test set is asked for.
        plan: the fold's plan.
        utterances: the manifest; `None`: not at hand.

    Raises:
        MtlserError: what is shared, of which cell the model is, and which one is asked for.
    """
    own = None
    if utterances is not None and not plan.leaks:
        own = manifest.members(utterances, fold.test)
    both = shared(seen, fold.test, own)
    if both is not None:
        raise MtlserError(
            f"{model}: this model is {seen.cell} and has seen {both}, which fold {fold.index} "
            f"({fold.name}) tests; give the model that was trained on fold {fold.index}"
        )


def shared(seen: Seen, ids: Sequence[str], own: Sequence[Utterance] | None) -> str | None:
    """What a model has seen of some utterances: the first one of a kind, and how many more.

    `None`: nothing.

    Args:
        seen: what the model has seen.
        ids: of the utterances.
        own: the utterances, for their speakers, dialogues, recordings and audio; `None`: these are
            not compared.
    """
    pairs = [("utterance", set(ids), {*seen.fitted, *seen.chosen_on})]
    if own is not None:
        pairs += [
            ("speaker", _names(u.speaker for u in own), set(seen.speakers)),
            ("dialogue", _names(u.dialogue for u in own), set(seen.dialogues)),
            ("recording", _names(u.recording for u in own), set(seen.recordings)),
            ("audio", _names(u.audio_sha256[:AUDIO_DIGITS] for u in own), set(seen.audio)),
        ]
    for what, here, there in pairs:
        if both := here & there:
            more = f" and {len(both) - 1} more" if len(both) > 1 else ""
            return f"{what} {min(both)}{more}"
    return None


def _names(values: Iterable[str | None]) -> set[str]:
    return {value for value in values if value is not None}
