"""Speed of a training step of a wav2vec 2.0 base on a GPU against transformers' Trainer.

    python -m benchmarks.gpu

Batches of 8, 32 and 64 clips of IEMOCAP's lengths, trained whole in bf16: this package, the Trainer
as a careful user sets it up (bf16, clips of like length together, fused AdamW), that Trainer with
torch.compile, and the published recipe (batch 2 x 4, fp32, gradient checkpointing). Each system
takes the same clips after some steps to warm up; the clock stops when the device has done all. MFU
is the share of a measured 8192 x 8192 x 8192 bf16 product, with a step's model operations counted
as in `benchmarks.mfu`.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks import common, mfu, ours, reference
from mtlser.models.speech_encoder import SpeechEncoder
from mtlser.models.torch_internals import count_events
from mtlser.models.whisper import WhisperEncoder

SIZES = (8, 32, 64)
WARM = {8: 40, 32: 20, 64: 20}
"""Steps before the clock runs, by size: kernels are chosen, and graphs captured."""
STEPS = 12
POOL = 1024
"""Clips that batches are drawn from; no two batches have the same lengths."""
Clips = Sequence[dict[str, Any]]


def draw(pool: Clips, count: int) -> list[dict[str, Any]]:
    """So many clips of the pool, each as often as any other but for one time."""
    generator = torch.Generator().manual_seed(0)
    order: list[int] = []
    while len(order) < count:
        order += torch.randperm(len(pool), generator=generator).tolist()
    return [pool[i] for i in order[:count]]


def run_ours(
    clips: Clips, batch: int, device: torch.device, encoder: SpeechEncoder | None = None
) -> dict[str, float]:
    """Seconds of the measured steps, the most memory that was held, and events of a step."""
    trainer = ours.Trainer(device=device, batch=batch, encoder=encoder, captured=clips)
    local = trainer.cache(clips) if trainer.job.cut == "local" else None
    examples = trainer.group(clips, local)
    groups = [examples[start : start + batch] for start in range(0, len(clips), batch)]
    following = [*groups[1:], []]
    torch.cuda.reset_peak_memory_stats(device)
    began = time.perf_counter()
    for number, (group, after) in enumerate(zip(groups, following, strict=True)):
        if number == WARM[batch]:
            common.synchronise(device)
            start = time.perf_counter()
        trainer.stepper.step(group, 0, after)
    common.synchronise(device)
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "warm_s": start - began,
        "gib": torch.cuda.max_memory_allocated(device) / 2**30,
        "events": count_events(lambda: trainer.stepper.step(groups[-1], 0)),
    }


def run_trainer(recipe: str, clips: Clips, batch: int, device: torch.device) -> dict[str, float]:
    """The same for transformers' Trainer, the clips after the first steps sorted by length."""
    warm, rest = clips[: WARM[batch] * batch], clips[WARM[batch] * batch :]
    if recipe != "paper":
        rest = sorted(rest, key=lambda clip: -len(clip["input_values"]))
    marks: list[float] = []

    def between(step: int) -> None:
        if step in (WARM[batch] - 1, WARM[batch] + STEPS - 1):
            common.synchronise(device)
            marks.append(time.perf_counter())

    torch.cuda.reset_peak_memory_stats(device)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        reference.train(recipe, [*warm, *rest], Path(folder), between, batch)
    return {
        "seconds": marks[1] - marks[0],
        "warm_s": marks[0] - began,
        "gib": torch.cuda.max_memory_allocated(device) / 2**30,
    }


def run_features(clips: Clips, batch: int, device: torch.device) -> dict[str, float]:
    """Seconds for all layers' features of the clips, nothing trained."""
    trainer = ours.Trainer(device=device)
    encoder = trainer.network.encoder.eval()
    with torch.inference_mode(), torch.autocast(device.type, dtype=torch.bfloat16):
        for start in range(0, len(clips), batch):
            if start == WARM[batch] * batch:
                common.synchronise(device)
                began = time.perf_counter()
            wavs = [clip["input_values"] for clip in clips[start : start + batch]]
            encoder.context(encoder.local_rows(wavs), every=False)
    common.synchronise(device)
    return {"seconds": time.perf_counter() - began}


def whisper_base() -> WhisperEncoder:
    """Whisper base's encoder, random weights."""
    from transformers import (
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForAudioClassification,
    )

    config = WhisperConfig(
        d_model=512, encoder_layers=6, encoder_attention_heads=8, encoder_ffn_dim=2048
    )
    model = WhisperForAudioClassification(config)
    return WhisperEncoder(model.encoder, WhisperFeatureExtractor())


def measure(
    batch: int, device: torch.device, peak: float, systems: Sequence[str]
) -> dict[str, Any]:
    """All figures of one size of batch."""
    clips = draw(common.make_clips(POOL), batch * (WARM[batch] + STEPS))
    timed = clips[WARM[batch] * batch :]
    audio_s = common.seconds_of_audio(timed)
    work = 3 * sum(mfu.forward_operations(len(clip["input_values"])) for clip in timed)
    row: dict[str, Any] = {"batch": batch, "audio_s": audio_s}
    for system in systems:
        if system == "ours":
            result = run_ours(clips, batch, device)
        elif system == "whisper":
            result = run_ours(clips, batch, device, whisper_base())
        elif system == "features":
            result = run_features(clips, batch, device)
        else:
            result = run_trainer(system, clips, batch, device)
        row[system] = result | {"audio_s_per_s": audio_s / result["seconds"]}
        if system not in ("whisper", "features"):
            row[system]["mfu"] = work / result["seconds"] / peak
        torch.cuda.empty_cache()
        print(batch, system, row[system], flush=True)
    return row


def main() -> None:
    """Measures and reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--systems", default="ours,tuned,compiled,whisper,features")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    chosen = parser.parse_args()
    if not torch.cuda.is_available():
        print("no GPU here: nothing is measured; `python -m benchmarks.gpu_plan` counts a step")
        return
    device = torch.device("cuda")
    peak = common.gemm_peak(8192, device=device)
    systems = chosen.systems.split(",")
    rows = {}
    for batch in map(int, chosen.sizes.split(",")):
        more = ["paper"] if batch == common.BATCH and "tuned" in systems else []
        rows[batch] = measure(batch, device, peak, [*systems, *more])
    ratios = {
        f"ratio_{rival}_{batch}": row["ours"]["audio_s_per_s"] / row[rival]["audio_s_per_s"]
        for batch, row in rows.items()
        for rival in ("tuned", "compiled", "paper")
        if rival in row and "ours" in row
    }
    card = {"card": torch.cuda.get_device_name(device), "peak_tflops": peak / 1e12}
    common.report("gpu", card | ratios | {"sizes": rows})


if __name__ == "__main__":
    main()
