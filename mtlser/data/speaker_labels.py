"""What the speaker head is taught to say of an utterance."""

from mtlser.errors import MtlserError
from mtlser.records import Utterance


def speaker_label(utterance: Utterance, label: str) -> str:
    """What the speaker head is taught to say: the actor, or the file-name prefix.

    Raises:
        MtlserError: the corpus has no prefixes.
    """
    if label == "actor":
        return utterance.speaker
    if utterance.recording is None:
        raise MtlserError(
            f"{utterance.id}: no file-name prefix to teach; of {utterance.corpus} only "
            "`--set train.speaker_label=actor` can be taught"
        )
    return utterance.recording
