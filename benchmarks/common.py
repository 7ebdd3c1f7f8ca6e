"""What the benchmarks share: clips, a wav2vec 2.0 base of random weights, three ways to train it.

`paper`   transformers' Trainer with the published recipe: batch 2 x 4 accumulated, fp32, gradient
          checkpointing
`tuned`   the same Trainer as a careful user sets it up: bf16, batch 8 (4 x 2, for memory), clips of
          like length together
`ours`    this package's packed step in bf16, batch 8
"""

import json
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mtlser.files import write_text
from mtlser.records import SAMPLE_RATE_HZ

THREADS = 2
CPU = torch.device("cpu")
EMOTIONS, SPEAKERS, SYMBOLS = 4, 10, 32
BATCH = 8
LEARNING_RATE = 1e-5
ALPHA, BETA = 0.1, 0.8


def clip_lengths(count: int, seed: int = 0) -> list[int]:
    """Samples of clips of IEMOCAP's spread: log-normal, median 3.6 s, log-SD 0.62, 0.6-20 s."""
    generator = torch.Generator().manual_seed(seed)
    seconds = 3.6 * torch.exp(0.62 * torch.randn(count, generator=generator))
    return [int(SAMPLE_RATE_HZ * s) for s in seconds.clamp(0.6, 20.0).tolist()]


def make_clips(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Clips of smooth noise with an emotion, a speaker and a transcript of 12 symbols a second."""
    generator = torch.Generator().manual_seed(seed + 1)
    clips = []
    for index, samples in enumerate(clip_lengths(count, seed)):
        noise = torch.randn(samples, generator=generator)
        wav = functional.avg_pool1d(noise[None], 5, 1, 2, count_include_pad=True)[0]
        symbols = max(2, int(12 * samples / SAMPLE_RATE_HZ))
        clips.append(
            {
                "input_values": (wav - wav.mean()) / wav.std(),
                "characters": torch.randint(1, SYMBOLS, (symbols,), generator=generator),
                "emotion": index % EMOTIONS,
                "speaker": index % SPEAKERS,
            }
        )
    return clips


def base_config() -> Any:
    """facebook/wav2vec2-base: its shape and dropout; no layer and no input is left out."""
    from transformers import Wav2Vec2Config

    return Wav2Vec2Config(
        hidden_dropout=0.1,
        attention_dropout=0.1,
        activation_dropout=0.1,
        feat_proj_dropout=0.1,
        layerdrop=0.0,
        apply_spec_augment=False,
        mask_time_prob=0.0,
    )


class PaperNetwork(nn.Module):
    """transformers' model with mean pooling over real frames and the three heads."""

    def __init__(self) -> None:
        from transformers import Wav2Vec2Model

        super().__init__()
        self.encoder = Wav2Vec2Model(base_config())
        width = self.encoder.config.hidden_size
        self.emotion_head = nn.Linear(width, EMOTIONS)
        self.speaker_head = nn.Linear(width, SPEAKERS)
        self.ctc_head = nn.Linear(width, SYMBOLS)

    def gradient_checkpointing_enable(self, **settings: Any) -> None:
        """As the Trainer asks for it."""
        self.encoder.gradient_checkpointing_enable(**settings)

    def _frames(self, samples_b: Tensor) -> Tensor:
        config = self.encoder.config
        frames_b = samples_b
        for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
            frames_b = (frames_b - kernel) // stride + 1
        return frames_b

    def forward(
        self,
        input_values: Tensor,
        attention_mask: Tensor,
        characters: Tensor,
        symbols: Tensor,
        emotion: Tensor,
        speaker: Tensor,
    ) -> dict[str, Tensor]:
        """The joint loss of a padded batch."""
        hidden_btd = self.encoder(input_values, attention_mask=attention_mask).last_hidden_state
        frames_b = self._frames(attention_mask.sum(1))
        steps_t = torch.arange(hidden_btd.shape[1], device=hidden_btd.device)
        real_bt1 = (steps_t < frames_b[:, None]).unsqueeze(-1)
        pooled_bd = (hidden_btd * real_bt1).sum(1) / frames_b[:, None]
        log_probs = self.ctc_head(hidden_btd).float().log_softmax(-1).transpose(0, 1)
        ctc = functional.ctc_loss(
            log_probs, characters, frames_b, symbols, zero_infinity=True, reduction="mean"
        )
        loss = (
            functional.cross_entropy(self.emotion_head(pooled_bd), emotion)
            + ALPHA * ctc
            + BETA * functional.cross_entropy(self.speaker_head(pooled_bd), speaker)
        )
        return {"loss": loss}


def collate(clips: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
    """Clips padded to the longest."""
    wavs = [clip["input_values"] for clip in clips]
    padded = nn.utils.rnn.pad_sequence(wavs, batch_first=True)
    lengths = torch.tensor([len(wav) for wav in wavs])
    return {
        "input_values": padded,
        "attention_mask": (torch.arange(padded.shape[1]) < lengths[:, None]).long(),
        "characters": torch.cat([clip["characters"] for clip in clips]),
        "symbols": torch.tensor([len(clip["characters"]) for clip in clips]),
        "emotion": torch.tensor([clip["emotion"] for clip in clips]),
        "speaker": torch.tensor([clip["speaker"] for clip in clips]),
    }


def seconds_of_audio(clips: Sequence[dict[str, Any]]) -> float:
    """Length of all clips together."""
    return sum(len(clip["input_values"]) for clip in clips) / SAMPLE_RATE_HZ


def timed(action: Callable[[], object]) -> float:
    """Wall time of the action, in seconds."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def median_seconds(action: Callable[[], object], repetitions: int) -> float:
    """Median wall time of the action."""
    return statistics.median(timed(action) for _ in range(repetitions))


def gemm_peak(size: int = 2048, repetitions: int = 15, device: torch.device = CPU) -> float:
    """Best FLOP/s of a bf16 matrix product of this size, the machine's practical peak."""
    a = torch.randn(size, size, dtype=torch.bfloat16, device=device)

    def product() -> None:
        torch.mm(a, a)
        synchronise(device)

    product()
    return 2 * size**3 / min(timed(product) for _ in range(repetitions))


def synchronise(device: torch.device) -> None:
    """Waits until the device has done all that it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def cpu_name() -> str:
    """Name of the processor."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()


def commit() -> str:
    """Short hash of the code, with a `+` where it has changed since; empty outside a repository."""
    command = ["git", "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.strip()


def report(name: str, figures: dict[str, Any]) -> None:
    """Writes `build/bench/NAME.json` and prints it as the last line."""
    where = {"cpu": cpu_name(), "threads": THREADS, "torch": torch.__version__, "commit": commit()}
    figures = {"benchmark": name, **where, **figures}
    path = Path("build/bench") / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures))
