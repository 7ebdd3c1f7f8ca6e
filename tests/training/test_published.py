"""What the published code does otherwise: summed CTC, padding that is seen, prefixes."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from mtlser import recipe as recipes
from mtlser.data.speaker_labels import speaker_label
from mtlser.errors import MtlserError
from mtlser.models.packed import Packed
from mtlser.training import step
from mtlser.training.batches import Example
from mtlser.training.inputs import Inputs
from mtlser.training.job import Job
from tests.helpers.trainings import make_inputs, make_job, one_step, small_recipe

PUBLISHED = ("train.device_batch=2", "train.ctc_reduction=sum")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    return make_inputs(tmp_path_factory.mktemp("inputs"))


def published_ctc(job: Job, pair: list[Example], *, seen: bool) -> Tensor:
    """CTC of one device batch as there: `ctc_loss(..., reduction="sum")` on padded logits."""
    clips = [job.read(example.utterance) for example in pair]
    if seen:
        clips = list(pad_sequence(clips, batch_first=True))
    logits = job.network(Packed.of(job.network.encoder.local(clips)), "local").characters
    spelt = [example.characters for example in pair]
    retained = [i for i, text in enumerate(spelt) if text is not None]
    texts = [text for text in spelt if text is not None]
    return torch.nn.functional.ctc_loss(
        pad_sequence([logits.clips()[i].log_softmax(-1) for i in retained]),
        torch.cat(texts),
        torch.tensor([logits.lengths[i] for i in retained]),
        torch.tensor([len(text) for text in texts]),
        reduction="sum",
    )


@pytest.mark.parametrize("seen", [False, True])
@pytest.mark.parametrize("count", [8, 7])
def test_ctc_is_summed_in_each_device_batch_and_averaged_over_them(
    inputs: Inputs, tmp_path: Path, seen: bool, count: int
) -> None:
    padding = ("train.padding=seen",) if seen else ()
    job = make_job(inputs, small_recipe(tmp_path, *PUBLISHED, *padding), tmp_path)
    group = list(job.examples[:count])
    pairs = [group[i : i + 2] for i in range(0, count, 2)]
    with torch.no_grad():
        expected = sum(published_ctc(job, pair, seen=seen) for pair in pairs) / len(pairs)
    figures, _ = one_step(job, group)
    torch.testing.assert_close(figures[2], torch.as_tensor(expected), rtol=1e-5, atol=0)
    total = figures[1] + job.recipe.alpha * figures[2] + job.recipe.beta * figures[3]
    torch.testing.assert_close(figures[0], total)


def test_a_summed_ctc_is_the_mean_times_the_device_batch(inputs: Inputs, tmp_path: Path) -> None:
    """Where every utterance has a transcript: alpha is twice as large there."""
    mean = make_job(inputs, small_recipe(tmp_path), tmp_path)
    group = [example for example in mean.examples if example.characters is not None][:8]
    summed = make_job(inputs, small_recipe(tmp_path, *PUBLISHED), tmp_path)
    one, two = one_step(mean, group)[0], one_step(summed, group)[0]
    torch.testing.assert_close(two[2], 2 * one[2])
    torch.testing.assert_close(two[[1, 3]], one[[1, 3]])


def test_padding_is_seen_in_training_and_never_in_validation(
    inputs: Inputs, tmp_path: Path
) -> None:
    """A short clip's output depends on its batch mate then, and only then."""
    recipe = small_recipe(tmp_path, "train.padding=seen", "train.device_batch=2")
    job = make_job(inputs, recipe, tmp_path)
    short, long = sorted(job.examples, key=lambda e: e.duration_s)[:: len(job.examples) - 1]

    def output(group: list[Example]) -> tuple[tuple[int, ...], Tensor]:
        with torch.no_grad():
            batch = step.load_batch(job, group)
            return batch.features.lengths, step.forward(job, batch.features).emotion_be[0]

    job.network.train()
    together, apart = output([short, long]), output([short])
    assert together[0][0] == together[0][1] > apart[0][0]
    assert not torch.allclose(together[1], apart[1])
    job.network.eval()
    together, apart = output([short, long]), output([short])
    assert together[0][0] == apart[0][0] < together[0][1]
    torch.testing.assert_close(together[1], apart[1], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("key", ["train.padding=seen", "train.ctc_reduction=sum"])
def test_what_depends_on_the_device_batch_needs_one(key: str) -> None:
    with pytest.raises(MtlserError, match="need device_batch"):
        recipes.load("paper", (key,))
    recipes.load("paper", (key, "train.device_batch=2"))


@pytest.mark.parametrize("bad", ["train.padding=left", "train.ctc_reduction=max",
                                 "train.device_batch=0", "train.speaker_label=name"])  # fmt: skip
def test_other_values_are_refused(bad: str) -> None:
    with pytest.raises(MtlserError, match=bad.partition("=")[0]):
        recipes.load("paper", (bad,))


def test_the_speaker_head_learns_prefixes_where_it_is_told_to(
    inputs: Inputs, tmp_path: Path
) -> None:
    """Two actors of each made-up session share a prefix."""
    actors = make_job(inputs, small_recipe(tmp_path), tmp_path)
    recipe = small_recipe(tmp_path, "train.speaker_label=prefix")
    prefixes = make_job(inputs, recipe, tmp_path)
    heads: list[Any] = [job.network.speaker_head for job in (actors, prefixes)]
    assert [head.out_features for head in heads] == [2, 1]
    shown = actors.examples[0].utterance
    assert (speaker_label(shown, "actor"), speaker_label(shown, "prefix")) == ("s0", "r0")


def test_a_corpus_without_prefixes_is_refused_in_one_sentence(inputs: Inputs) -> None:
    utterance = inputs.utterances[0].model_copy(update={"recording": None, "corpus": "emodb"})
    sentence = (
        r"^s0_u0: emodb has no file-name prefix to use as a speaker; "
        r"use `--set train.speaker_label=actor`$"
    )
    with pytest.raises(MtlserError, match=sentence):
        speaker_label(utterance, "prefix")


def test_padding_cannot_be_seen_in_cached_features(tmp_path: Path) -> None:
    keys = ("model.trainable=transformer", "train.padding=seen", "train.device_batch=2")
    with pytest.raises(MtlserError, match="cached features hold no padding"):
        small_recipe(tmp_path, *keys)
