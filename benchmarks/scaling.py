"""How the time of a step grows with the length of audio, and that of an epoch with the corpus.

The paper's equation 15 adds, for every layer, a product of each frame with each other (L x L x d),
a convolution (L x K^2 x C), and heads and CTC (L x d x (V + C_ser + C_sr + U)), L being the length
of the input sequence. It is worked out here for wav2vec 2.0 base, with L in frames of 20 ms, which
is what attention sees, and in samples, which is what the paper calls the input. Corpora of 1, 10
and 100 times 100 utterances have a tiny network on ready features: what remains is what depends on
the corpus alone. Times are processor time of one thread, which other load hardly changes.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import common
from mtlser import recipe as recipes
from mtlser.models import bundle
from mtlser.models.losses import Joint, count
from mtlser.records import FOUR, SAMPLE_RATE_HZ, Utterance
from mtlser.storage.work_folder import WorkFolder
from mtlser.training import batches, device_memory, loop
from mtlser.training.batches import Example
from mtlser.training.checkpoint import Checkpoint
from mtlser.training.job import Job
from mtlser.training.processes import Processes
from mtlser.training.step import Stepper
from tests.helpers.networks import write_encoder

SECONDS = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
SIZES = (100, 1_000, 10_000)
ALONE = Processes(0, 1, torch.device("cpu"))
SPEAKERS = tuple(f"s{i}" for i in range(8))


def utterance(index: int, duration_s: float) -> Utterance:
    """A synthetic record."""
    return Utterance(
        id=f"u{index}",
        corpus="made-up",
        audio="none",
        audio_sha256=f"{index:064x}",
        duration_s=duration_s,
        level_dbfs=-20.0,
        emotion=FOUR[index % 4],
        speaker=SPEAKERS[index % 8],
        gender="F",
        session=None,
        dialogue=None,
        recording=None,
        style="scripted",
        text="GO ON AND WAIT",
        language="en",
    )


def busy(action: Callable[[], object]) -> float:
    """Processor time of the action, in seconds."""
    start = time.process_time()
    action()
    return time.process_time() - start


def make_job(utterances: Sequence[Utterance], read: Any, settings: tuple[str, ...]) -> Job:
    """A job of one epoch on these utterances."""
    from mtlser.models.mtl import CUT_OF

    recipe = recipes.load("paper", settings)
    torch.manual_seed(0)
    network = bundle.build(recipe.model, len(FOUR), len(SPEAKERS))
    parts = batches.examples(utterances, FOUR, SPEAKERS, lambda _: 50)
    cut = CUT_OF[recipe.model.trainable]
    network.train()
    return Job(network, cut, read, parts, recipe.train, Joint(0.1, 0.8), 0, None, 1, ALONE)


def write_base(folder: Path) -> str:
    """wav2vec 2.0 base with random weights, in Hugging Face layout."""
    from transformers import Wav2Vec2Model

    torch.manual_seed(0)
    Wav2Vec2Model(common.base_config()).save_pretrained(folder)
    return str(folder)


def step_seconds(encoder: str, precision: str, repetitions: Callable[[float], int]) -> list[float]:
    """Least time of some steps on one clip of each length."""
    settings = (f"model.encoder={encoder}", f"train.precision={precision}")
    wav_n = torch.randn(int(max(SECONDS) * SAMPLE_RATE_HZ)) * 0.1

    def read(which: Utterance) -> torch.Tensor:
        return wav_n[: int(which.duration_s * SAMPLE_RATE_HZ)]

    job = make_job([utterance(i, s) for i, s in enumerate(SECONDS)], read, settings)
    stepper = Stepper(job)
    times_s = []
    for seconds, example in zip(SECONDS, job.examples, strict=True):

        def once(shown: Example = example) -> None:
            stepper.step([shown], 0)

        times_s.append(min(busy(once) for _ in range(repetitions(seconds))))
    return times_s


def corpus_seconds(encoder: str, size: int, folder: Path) -> dict[str, float]:
    """Time of an epoch, and of what it needs beside the network, for a corpus of this size."""
    features_tc = torch.randn(50, 32)
    utterances = [utterance(i, 1.0 + i % 5) for i in range(size)]
    settings = (f"model.encoder={encoder}", "model.trainable=heads", "train.batch_size=16")
    job = make_job(utterances, lambda _: features_tc, settings)
    checkpoint = Checkpoint(WorkFolder(folder), f"corpus-{size}")
    epoch_s = busy(lambda: loop.fit(job, checkpoint, lambda *_: None))

    def books() -> None:
        shown = batches.examples(utterances, FOUR, SPEAKERS, lambda _: 50)
        for group in batches.epoch_order(shown, job.recipe.batch_size, 0, 1):
            batches.parts(group, device_memory.ON_A_CPU_S)
            count(batches.targets(group))

    return {"epoch_s": epoch_s, "books_s": min(busy(books) for _ in range(3))}


def equation_15(lengths: np.ndarray[Any, Any], symbols: float) -> np.ndarray[Any, Any]:
    """The paper's count of operations for wav2vec 2.0 base (d 768, 12 layers, C 512, K 10)."""
    layers, width, channels, kernel = 12, 768, 512, 10
    attention = lengths * width + kernel**2 * channels
    heads = lengths * width * (common.SYMBOLS + len(FOUR) + common.SPEAKERS + symbols)
    counted: np.ndarray[Any, Any] = layers * lengths * attention + heads
    return counted


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Slope of a straight line through the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def main() -> None:
    """Measures and reports."""
    torch.set_num_threads(1)
    seconds = np.array(SECONDS)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        base = write_base(place / "base")
        steps = {
            "base_bf16": step_seconds(base, "bf16", lambda s: 4 if s < 8 else 2),
            "bundled_fp32": step_seconds("bundled", "fp32", lambda s: 4),
        }
        small = write_encoder(place / "small")
        corpora = {size: corpus_seconds(small, size, place) for size in SIZES}
    common.report(
        "scaling",
        {
            "threads": 1,
            "audio_s": SECONDS,
            "step_s": steps,
            "step_exponent": {
                name: exponent(SECONDS, measured) for name, measured in steps.items()
            },
            "step_exponent_8_to_30_s": {
                name: exponent(SECONDS[3:], measured[3:]) for name, measured in steps.items()
            },
            "equation_15_exponent": {
                "frames": exponent(SECONDS, list(equation_15(50 * seconds, 12))),
                "samples": exponent(SECONDS, list(equation_15(16_000 * seconds, 12))),
            },
            "corpus": {str(size): measured for size, measured in corpora.items()},
            "epoch_exponent": exponent(SIZES, [corpora[size]["epoch_s"] for size in SIZES]),
            "books_exponent": exponent(SIZES, [corpora[size]["books_s"] for size in SIZES]),
            "books_ms_a_step": statistics.median(
                1000 * measured["books_s"] / -(-size // 16) for size, measured in corpora.items()
            ),
        },
    )


if __name__ == "__main__":
    main()
