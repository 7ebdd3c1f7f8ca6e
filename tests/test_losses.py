"""The joint loss against terms worked out apart."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from mtlser.models.losses import UNSEEN, Targets, ctc_term, joint_loss
from mtlser.models.mtl import Logits


def logits(batch: int = 3, frames: int = 6, symbols: int = 5) -> Logits:
    generator = torch.Generator().manual_seed(1)
    return Logits(
        torch.randn(batch, 4, generator=generator),
        torch.randn(batch, 2, generator=generator),
        torch.randn(batch, frames, symbols, generator=generator),
        torch.tensor([frames, frames - 1, frames - 2]),
    )


def nll_by_enumeration(logits_tu: Tensor, text: list[int]) -> float:
    """-ln of the summed probability of every path that collapses to the text."""
    log_probs = logits_tu.double().log_softmax(-1)
    total = 0.0
    for path in itertools.product(range(logits_tu.shape[1]), repeat=logits_tu.shape[0]):
        collapsed = [s for s, _ in itertools.groupby(path) if s != 0]
        if collapsed == text:
            total += math.exp(sum(float(log_probs[t, s]) for t, s in enumerate(path)))
    return -math.log(total)


def test_total_is_the_weighted_sum_of_its_terms() -> None:
    said = logits()
    targets = Targets(torch.tensor([0, 3, 1]), torch.tensor([1, 0, 1]), [torch.tensor([1, 2])] * 3)
    losses = joint_loss(said, targets, alpha=0.1, beta=0.8)
    expected = losses.emotion + 0.1 * losses.ctc + 0.8 * losses.speaker
    torch.testing.assert_close(losses.total, expected)
    by_hand = -said.emotion_be.log_softmax(-1)[[0, 1, 2], [0, 3, 1]].mean()
    torch.testing.assert_close(losses.emotion, by_hand)


def test_ctc_is_the_mean_over_samples_of_path_enumeration() -> None:
    said = logits()
    texts = [[1, 2], [3], [1, 1]]
    ctc, infeasible = ctc_term(said, [torch.tensor(text) for text in texts])
    expected = [
        nll_by_enumeration(said.characters_btu[i, : said.frames_b[i]], text)
        for i, text in enumerate(texts)
    ]
    assert float(ctc) == pytest.approx(sum(expected) / 3, rel=1e-5)
    assert float(infeasible) == 0


def test_missing_transcripts_leave_only_the_ctc_term() -> None:
    said = logits()
    full, _ = ctc_term(said, [torch.tensor([1, 2]), None, None])
    alone = nll_by_enumeration(said.characters_btu[0], [1, 2])
    assert float(full) == pytest.approx(alone, rel=1e-5)
    none, _ = ctc_term(said, [None, None, None])
    assert float(none) == 0.0


def test_a_transcript_too_long_for_its_audio_is_counted() -> None:
    said = logits()
    ctc, infeasible = ctc_term(said, [torch.tensor([1, 2]), None, torch.tensor([1] * 9)])
    assert float(infeasible) == 1
    assert float(ctc) == pytest.approx(nll_by_enumeration(said.characters_btu[0], [1, 2]), rel=1e-5)


def test_unseen_speakers_mask_their_own_term() -> None:
    said = logits()
    targets = Targets(torch.tensor([0, 1, 2]), torch.tensor([1, UNSEEN, UNSEEN]), [None] * 3)
    losses = joint_loss(said, targets, 0.1, 0.8)
    by_hand = -said.speaker_bs.log_softmax(-1)[0, 1]
    torch.testing.assert_close(losses.speaker, by_hand)
    unseen = Targets(torch.tensor([0, 1, 2]), torch.tensor([UNSEEN] * 3), [None] * 3)
    assert float(joint_loss(said, unseen, 0.1, 0.8).speaker) == 0.0
