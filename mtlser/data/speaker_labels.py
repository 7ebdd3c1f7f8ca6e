"""The class of an utterance for the speaker head."""

from mtlser.errors import MtlserError
from mtlser.records import Utterance


def speaker_label(utterance: Utterance, label: str) -> str | None:
    """The speaker head's class: the actor (`actor`), or the file-name prefix (`prefix`).

    `None` where nobody knows who speaks.

    Raises:
        MtlserError: the corpus has no prefixes.
    """
    if label == "actor":
        return utterance.speaker
    if utterance.recording is None:
        raise MtlserError(
            f"{utterance.id}: {utterance.corpus} has no file-name prefix to use as a "
            "speaker; use `--set train.speaker_label=actor`"
        )
    return utterance.recording
