"""Share of the processor's bf16 peak that a training step of a wav2vec 2.0 base reaches.

    python -m benchmarks.mfu

A step's model operations are three times those of the forward pass: multiplications and additions
of convolutions, linear layers and attention on real frames. What recomputation, dropout, norms
and the optimiser take is not counted. The peak is that of a matrix product of 2048 x 2048 x 2048.
"""

import statistics

import torch

from benchmarks import common, ours

STEPS = 8


def forward_operations(samples: int) -> float:
    """Floating-point operations of a forward pass over one clip."""
    config = common.base_config()
    total, width, frames = 0.0, 1, samples
    layers = zip(config.conv_dim, config.conv_kernel, config.conv_stride, strict=True)
    for channels, kernel, stride in layers:
        frames = (frames - kernel) // stride + 1
        total += 2.0 * frames * channels * width * kernel
        width = channels
    d, inner = config.hidden_size, config.intermediate_size
    group = d // config.num_conv_pos_embedding_groups
    total += 2.0 * frames * (width * d + d * group * config.num_conv_pos_embeddings)
    per_layer = 2.0 * frames * (4 * d * d + 2 * d * inner) + 4.0 * frames**2 * d
    return total + config.num_hidden_layers * per_layer


def main() -> None:
    """Measures and reports."""
    torch.set_num_threads(common.THREADS)
    trainer = ours.Trainer()
    clips = common.make_clips(common.BATCH * STEPS)
    batches = [clips[i : i + common.BATCH] for i in range(0, len(clips), common.BATCH)]
    trainer.step(common.make_clips(common.BATCH, seed=9))
    shares, rates, peaks = [], [], []
    for batch in batches:
        peak = common.gemm_peak(repetitions=5)
        seconds = common.timed(lambda b=batch: trainer.step(b))  # type: ignore[misc]
        peak = max(peak, common.gemm_peak(repetitions=5))
        work = 3 * sum(forward_operations(len(clip["input_values"])) for clip in batch)
        peaks.append(peak)
        rates.append(work / seconds)
        shares.append(work / seconds / max(peaks))
    common.report(
        "mfu",
        {
            "mfu": statistics.median(rates) / max(peaks),
            "step_gflops": statistics.median(rates) / 1e9,
            "peak_gflops": max(peaks) / 1e9,
            "shares": shares,
        },
    )


if __name__ == "__main__":
    main()
