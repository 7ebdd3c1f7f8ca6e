"""Cached features: those of the network, built once, whole or not at all."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mtlser.data import clips
from mtlser.models import bundle
from mtlser.models.mtl import Cut
from mtlser.models.packed import Packed
from mtlser.recipe import ModelRecipe
from mtlser.training import features
from tests.helpers.corpora import write_corpus
from tests.helpers.networks import write_encoder


@pytest.mark.parametrize("cut", ["local", "encoded"])
def test_the_cache_holds_what_the_network_computes(
    tmp_path: Path, cut: Cut, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    utterances = write_corpus(corpus, speakers=1, each=4)
    model = ModelRecipe(encoder=write_encoder(tmp_path / "encoder"), layers="concat")
    network = bundle.build(model, 4, 1).eval()
    read = features.reader(network, cut, corpus, utterances, tmp_path)
    for utterance in utterances:
        with torch.inference_mode():
            (expected,) = network.encoder.local([torch.from_numpy(clips.load(corpus, utterance))])
            if cut == "encoded":
                expected = network.encode(Packed.of([expected])).rows_nd
        torch.testing.assert_close(read(utterance), expected.clone())

    def fail(*_: object) -> None:
        raise AssertionError("built again")

    monkeypatch.setattr(features, "_build", fail)
    features.reader(network, cut, corpus, utterances, tmp_path)
    with torch.no_grad():
        next(network.encoder.parameters()).add_(1)
    with pytest.raises(AssertionError, match="built again"):
        features.reader(network, cut, corpus, utterances, tmp_path)


def test_statistics_count_each_utterance_once(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    utterances = write_corpus(corpus, speakers=1, each=3)
    rng = np.random.default_rng(0)
    built = {u.id: rng.normal(2, 3, (4 + 3 * i, 5)) for i, u in enumerate(utterances)}
    result = features.statistics(lambda u: torch.from_numpy(built[u.id]), utterances)
    pooled = np.stack([f.mean(0) for f in built.values()])
    mean = pooled.mean(0)
    variance = np.mean([((f - mean) ** 2).mean(0) for f in built.values()], axis=0)
    np.testing.assert_allclose(result.mean_c, mean, rtol=1e-5)
    np.testing.assert_allclose(result.pooled_sd_c, pooled.std(0, ddof=1), rtol=1e-5)
    np.testing.assert_allclose(result.frame_sd_c, np.sqrt(variance), rtol=1e-5)


def test_one_utterance_spreads_by_nothing_and_is_still_a_number(tmp_path: Path) -> None:
    utterances = write_corpus(tmp_path, speakers=1, each=1)
    spread = features.statistics(lambda _: torch.arange(6.0).view(3, 2), utterances)
    for values_c in (spread.mean_c, spread.pooled_sd_c, spread.frame_sd_c):
        assert bool(values_c.isfinite().all())
