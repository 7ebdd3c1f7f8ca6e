"""This package's training step on the benchmarks' clips."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, Literal

import torch
from torch import Tensor

from benchmarks import common
from mtlser.models.losses import Joint
from mtlser.models.mtl import MtlNetwork
from mtlser.models.speech_encoder import SpeechEncoder
from mtlser.models.wav2vec2 import Wav2Vec2Encoder
from mtlser.recipe import ModelRecipe, TrainRecipe
from mtlser.records import SAMPLE_RATE_HZ, Utterance
from mtlser.training.batches import Example
from mtlser.training.job import Job
from mtlser.training.processes import Processes
from mtlser.training.step import Stepper, autocast


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

    def __init__(
        self,
        frozen: bool = False,
        device: torch.device = common.CPU,
        batch: int = common.BATCH,
        encoder: SpeechEncoder | None = None,
        precision: Literal["auto", "bf16", "fp32"] = "bf16",
        captured: Sequence[dict[str, Any]] = (),
    ) -> None:
        """Builds network and optimiser.

        Args:
            frozen: the CNN is not trained.
            device: that computes.
            batch: utterances of a step.
            encoder: of random weights; `None`: a wav2vec 2.0 base.
            precision: of activations.
            captured: clips of a training whose steps are captured as CUDA graphs; none: are not.
        """
        from transformers import Wav2Vec2Model

        torch.manual_seed(0)
        self.frozen = frozen
        with device if device.type == "meta" else nullcontext():
            encoder = encoder or Wav2Vec2Encoder(
                Wav2Vec2Model(common.base_config()), normalise=False
            )
        recipe = ModelRecipe(trainable="transformer" if frozen else "all")
        self.network = MtlNetwork(
            encoder, recipe, common.EMOTIONS, common.SPEAKERS, common.SYMBOLS
        ).train()
        self.network.to(device)
        self.network.freeze(recipe.trainable)
        self._features: dict[str, Tensor] = {}
        self.job = job = Job(
            network=self.network,
            cut="local" if frozen or encoder.local_part() is None else "wav",
            read=lambda utterance: self._features[utterance.id],
            examples=self.group(captured),
            recipe=TrainRecipe(
                precision=precision,
                learning_rate=common.LEARNING_RATE,
                batch_size=batch,
                compile="on" if captured else "off",
            ),
            objective=Joint(common.ALPHA, common.BETA),
            seed=0,
            validate=None,
            epochs=1,
            processes=Processes(0, 1, device),
        )
        self.stepper = Stepper(job)

    def cache(self, clips: Sequence[dict[str, Any]]) -> list[Tensor]:
        """Local features of the clips, computed once."""
        encoder = self.network.encoder
        with torch.no_grad(), autocast(self.job, common.CPU):
            return encoder.local_of_each([clip["input_values"] for clip in clips])

    def step(self, clips: Sequence[dict[str, Any]], local: list[Tensor] | None = None) -> Tensor:
        """One optimiser step; gives the losses."""
        return self.stepper.step(self.group(clips, local), seed=0)

    def group(
        self, clips: Sequence[dict[str, Any]], local: Sequence[Tensor] | None = None, first: int = 0
    ) -> list[Example]:
        """The clips as examples, numbered from `first`, whose features the job reads from here."""
        features = [clip["input_values"] for clip in clips] if local is None else local
        self._features |= {str(first + i): feature for i, feature in enumerate(features)}
        return [
            Example(utterance(number, clip), clip["emotion"], clip["speaker"], clip["characters"])
            for number, clip in enumerate(clips, first)
        ]
