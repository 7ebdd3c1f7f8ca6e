"""The joint loss against terms worked out apart."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from mtlser.models.losses import UNSEEN, Targets, count, ctc_sum, joint_loss
from mtlser.models.mtl import Logits
from mtlser.models.packed import Packed
from mtlser.models.stacked import GridObjective, StackedLogits
from tests.helpers.heads import speakers_of, words_of


def logits(batch: int = 3, frames: int = 6, symbols: int = 5) -> Logits:
    generator = torch.Generator().manual_seed(1)
    return Logits(
        torch.randn(batch, 4, generator=generator),
        torch.randn(batch, 2, generator=generator),
        Packed.of([torch.randn(frames - i, symbols, generator=generator) for i in range(batch)]),
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
    output = logits()
    targets = Targets(torch.tensor([0, 3, 1]), torch.tensor([1, 0, 1]), [torch.tensor([1, 2])] * 3)
    losses = joint_loss(output, targets, 0.1, 0.8, count(targets))
    expected = losses.emotion + 0.1 * losses.ctc + 0.8 * losses.speaker
    torch.testing.assert_close(losses.total, expected)
    by_hand = -output.emotion_be.log_softmax(-1)[[0, 1, 2], [0, 3, 1]].mean()
    torch.testing.assert_close(losses.emotion, by_hand)


def test_ctc_is_the_mean_over_samples_of_path_enumeration() -> None:
    output = logits()
    texts = [[1, 2], [3], [1, 1]]
    spelt = [torch.tensor(text) for text in texts]
    targets = Targets(torch.tensor([0, 1, 2]), torch.tensor([0, 1, 1]), spelt)
    expected = [
        nll_by_enumeration(clip_tu, text)
        for clip_tu, text in zip(words_of(output).clips(), texts, strict=True)
    ]
    losses = joint_loss(output, targets, 0.1, 0.8, count(targets))
    assert float(losses.ctc) == pytest.approx(sum(expected) / 3, rel=1e-5)


def test_ctc_of_a_symbol_is_each_transcripts_mean() -> None:
    output = logits()
    texts = [[1, 2], [3], [1, 1]]
    spelt = [torch.tensor(text) for text in texts]
    targets = Targets(torch.tensor([0, 1, 2]), torch.tensor([0, 1, 1]), spelt)
    expected = [
        nll_by_enumeration(clip_tu, text) / len(text)
        for clip_tu, text in zip(words_of(output).clips(), texts, strict=True)
    ]
    losses = joint_loss(output, targets, 0.1, 0.8, count(targets), per_symbol=True)
    assert float(losses.ctc) == pytest.approx(sum(expected) / 3, rel=1e-5)
    grids = GridObjective([0.1], [0.8], per_symbol=True)
    whole = joint_loss(output, targets, 0.1, 0.8, count(targets), per_symbol=True).total
    stacked = StackedLogits(
        output.emotion_be, None, None, (words_of(output),), (speakers_of(output),)
    )
    torch.testing.assert_close(grids(stacked, targets, count(targets)).total, whole)


def test_missing_transcripts_leave_only_the_ctc_term() -> None:
    output = logits()
    spelt = [torch.tensor([1, 2]), None, None]
    targets = Targets(torch.tensor([0, 1, 2]), torch.tensor([0, 1, 1]), spelt)
    alone = nll_by_enumeration(words_of(output).clips()[0], [1, 2])
    ctc = joint_loss(output, targets, 0.1, 0.8, count(targets)).ctc
    assert float(ctc) == pytest.approx(alone, rel=1e-5)
    assert float(ctc_sum(output, [None, None, None])) == 0.0


def test_a_transcript_too_long_for_its_audio_is_infinite_not_silent() -> None:
    assert float(ctc_sum(logits(), [torch.tensor([1] * 9), None, None])) == math.inf


def test_a_batch_in_parts_has_the_loss_and_the_gradients_of_the_whole() -> None:
    output = logits(4, 8)
    inputs = (output.emotion_be, speakers_of(output), words_of(output).rows_nd)
    for scores in inputs:
        scores.requires_grad_()
    weights_e = torch.tensor([1.0, 2.0, 0.5, 1.5])
    texts = [torch.tensor([1, 2]), None, torch.tensor([3]), torch.tensor([2, 1, 2])]
    whole = Targets(torch.tensor([0, 3, 1, 1]), torch.tensor([1, 0, UNSEEN, 1]), texts)
    counts = count(whole, weights_e)

    def share(chosen: list[int]) -> Tensor:
        clips = words_of(output).clips()
        part = Logits(
            output.emotion_be[chosen],
            speakers_of(output)[chosen],
            Packed.of([clips[i] for i in chosen]),
        )
        targets = Targets(
            whole.emotion_b[chosen], whole.speaker_b[chosen], [texts[i] for i in chosen]
        )
        return joint_loss(part, targets, 0.1, 0.8, counts, weights_e).total

    total = joint_loss(output, whole, 0.1, 0.8, counts, weights_e).total
    parts = share([0, 1, 2]) + share([3])
    torch.testing.assert_close(parts, total)
    torch.testing.assert_close(
        torch.autograd.grad(parts, inputs), torch.autograd.grad(total, inputs)
    )


def test_unseen_speakers_mask_their_own_term() -> None:
    output = logits()
    targets = Targets(torch.tensor([0, 1, 2]), torch.tensor([1, UNSEEN, UNSEEN]), [None] * 3)
    losses = joint_loss(output, targets, 0.1, 0.8, count(targets))
    by_hand = -speakers_of(output).log_softmax(-1)[0, 1]
    torch.testing.assert_close(losses.speaker, by_hand)
    unseen = Targets(torch.tensor([0, 1, 2]), torch.tensor([UNSEEN] * 3), [None] * 3)
    assert float(joint_loss(output, unseen, 0.1, 0.8, count(unseen)).speaker) == 0.0
