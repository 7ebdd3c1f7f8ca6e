"""This package's training step on the benchmarks' clips."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from benchmarks import common
from mtlser.models.losses import Joint
from mtlser.models.mtl import MtlNetwork
from mtlser.models.wav2vec2 import Wav2Vec2Encoder
from mtlser.recipe import ModelRecipe, TrainRecipe
from mtlser.records import SAMPLE_RATE_HZ, Utterance
from mtlser.training.batches import Example
from mtlser.training.job import Job
from mtlser.training.processes import Processes
from mtlser.training.step import Stepper


def utterance(number: int, clip: dict[str, Any]) -> Utterance:
    """A clip's record, of which the step reads the length alone."""
    return Utterance(
        id=str(number),
        corpus="noise",
        audio="clip.wav",
        audio_sha256="",
        duration_s=len(clip["input_values"]) / SAMPLE_RATE_HZ,
        level_dbfs=0.0,
        emotion=str(clip["emotion"]),
        speaker=str(clip["speaker"]),
        gender=None,
        session=None,
        dialogue=None,
        recording=None,
        style=None,
        text=None,
        language="en",
    )


class Trainer:
    """Optimiser steps on batches of clips, in bf16, by `mtlser.training.step`."""

    def __init__(self, frozen: bool = False) -> None:
        from transformers import Wav2Vec2Model

        torch.manual_seed(0)
        self.frozen = frozen
        encoder = Wav2Vec2Encoder(Wav2Vec2Model(common.base_config()), normalise=False)
        recipe = ModelRecipe(trainable="transformer" if frozen else "all")
        self.network = MtlNetwork(
            encoder, recipe, common.EMOTIONS, common.SPEAKERS, common.SYMBOLS
        ).train()
        self.network.freeze(recipe.trainable)
        self._features: dict[str, Tensor] = {}
        job = Job(
            network=self.network,
            cut="local" if frozen else "wav",
            read=lambda utterance: self._features[utterance.id],
            examples=[],
            recipe=TrainRecipe(precision="bf16", learning_rate=common.LEARNING_RATE),
            objective=Joint(common.ALPHA, common.BETA),
            seed=0,
            validate=None,
            epochs=1,
            processes=Processes(0, 1, torch.device("cpu")),
        )
        self.stepper = Stepper(job)

    def cache(self, clips: Sequence[dict[str, Any]]) -> list[Tensor]:
        """Local features of the clips, computed once."""
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            return self.network.encoder.local([clip["input_values"] for clip in clips])

    def step(self, clips: Sequence[dict[str, Any]], local: list[Tensor] | None = None) -> Tensor:
        """One optimiser step; gives the losses."""
        features = [clip["input_values"] for clip in clips] if local is None else local
        self._features = {str(number): feature for number, feature in enumerate(features)}
        group = [
            Example(utterance(number, clip), clip["emotion"], clip["speaker"], clip["characters"])
            for number, clip in enumerate(clips)
        ]
        return self.stepper.step(group, seed=0)
