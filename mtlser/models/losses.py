"""Loss = CE(emotion) + alpha CTC + beta CE(speaker) (paper, eqs. 10-13), each term apart."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from mtlser.models.mtl import Logits

UNSEEN = -100
"""Target of an utterance whose speaker is no class of the speaker head."""


@dataclass(frozen=True)
class Targets:
    """What one batch should be."""

    emotion_b: Tensor
    speaker_b: Tensor
    """`UNSEEN` where the speaker is no training speaker."""
    characters: list[Tensor | None]
    """Symbol numbers of each transcript; `None` where there is none."""


@dataclass(frozen=True)
class Losses:
    """The joint loss and its three terms, scalars."""

    total: Tensor
    emotion: Tensor
    ctc: Tensor
    speaker: Tensor
    ctc_infeasible: Tensor
    """Transcripts too long for their audio, left out of the CTC term."""


def joint_loss(
    logits: Logits,
    targets: Targets,
    alpha: float,
    beta: float,
    class_weights_e: Tensor | None = None,
) -> Losses:
    """The joint loss of one batch (eq. 13).

    Terms are means over the utterances that have them: those without a transcript are left out
    of CTC (eq. 11), those of an unseen speaker out of the speaker term (eq. 12).
    """
    emotion = functional.cross_entropy(
        logits.emotion_be.float(), targets.emotion_b, weight=class_weights_e
    )
    ctc, infeasible = ctc_term(logits, targets.characters)
    if bool((targets.speaker_b != UNSEEN).any()):
        speaker = functional.cross_entropy(
            logits.speaker_bs.float(), targets.speaker_b, ignore_index=UNSEEN
        )
    else:
        speaker = emotion.new_zeros(())
    return Losses(emotion + alpha * ctc + beta * speaker, emotion, ctc, speaker, infeasible)


def ctc_term(logits: Logits, characters: list[Tensor | None]) -> tuple[Tensor, Tensor]:
    """Mean over samples of -ln p(transcript | audio) (eq. 11), and how many were infeasible.

    A transcript is infeasible when its symbols, with a blank between repeats, need more frames
    than its audio has.
    """
    with_text = [i for i, text in enumerate(characters) if text is not None]
    zero = logits.characters_btu.new_zeros((), dtype=torch.float32)
    if not with_text:
        return zero, zero
    texts = [text for text in characters if text is not None]
    chosen = torch.tensor(with_text, device=logits.characters_btu.device)
    log_probs_tbu = logits.characters_btu[chosen].float().log_softmax(-1).transpose(0, 1)
    nll_b = functional.ctc_loss(
        log_probs_tbu,
        torch.cat(texts),
        logits.frames_b[chosen],
        torch.tensor([len(text) for text in texts], device=chosen.device),
        blank=0,
        reduction="none",
        zero_infinity=True,
    )
    feasible_b = nll_b > 0
    return nll_b.sum() / feasible_b.sum().clamp(min=1), (~feasible_b).sum().float()
