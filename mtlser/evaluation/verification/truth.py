"""Whether predictions say of each utterance what the manifest says of it."""

from collections.abc import Callable, Sequence

from mtlser.data.speaker_labels import speaker_label
from mtlser.errors import MtlserError
from mtlser.recipe import Recipe
from mtlser.records import Prediction, Utterance

Check = Callable[[Prediction], None]
"""Raises where a prediction is not what it is said to be."""


def against(utterances: Sequence[Utterance], recipe: Recipe | None) -> Check:
    """The check of each prediction's truth: class, transcript, speaker and style.

    Args:
        utterances: the manifest.
        recipe: says what a speaker label is; `None`: not known, so an actor or a prefix.
    """
    by_id = {utterance.id: utterance for utterance in utterances}

    def check(prediction: Prediction) -> None:
        utterance = by_id.get(prediction.utterance_id)
        if utterance is None:
            raise MtlserError(
                f"{prediction.utterance_id} is predicted by {prediction.system} and is not in the "
                "manifest; give the corpus folder that the folds were cut from with `--manifest`"
            )
        if prediction.emotion_true != utterance.emotion:
            raise _contradiction(prediction, "class", prediction.emotion_true, utterance.emotion)
        if prediction.text_true != utterance.text:
            raise _contradiction(prediction, "transcript", prediction.text_true, utterance.text)
        if prediction.style != utterance.style:
            raise _contradiction(prediction, "style", prediction.style, utterance.style)
        if prediction.speaker_true not in _speakers(utterance, recipe):
            raise _contradiction(
                prediction, "speaker", prediction.speaker_true, _speakers(utterance, recipe)[0]
            )

    return check


def _speakers(utterance: Utterance, recipe: Recipe | None) -> list[str | None]:
    if recipe is None:
        return [utterance.speaker, utterance.recording]
    return [speaker_label(utterance, recipe.train.speaker_label)]


def _contradiction(
    prediction: Prediction, what: str, here: str | None, there: str | None
) -> MtlserError:
    return MtlserError(
        f"{prediction.utterance_id} ({prediction.system}, fold {prediction.fold}): the predictions "
        f"give its true {what} as {here!r}, the manifest as {there!r}; predict it again with "
        "`mtlser train`, or give the manifest that it was predicted with"
    )
