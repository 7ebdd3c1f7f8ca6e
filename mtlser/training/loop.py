"""The one training loop: epochs of one cell, with early stopping, checkpoint and resume."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torchaudio
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from mtlser.data import batches, rng
from mtlser.data.batches import Batch, Example, Read
from mtlser.errors import MtlserError
from mtlser.models.losses import Losses, Targets, joint_loss
from mtlser.models.mtl import Cut, Logits, MtlNetwork
from mtlser.recipe import TrainRecipe
from mtlser.training import checkpoint

Row = dict[str, float | None]
"""Figures of one epoch, as `history.jsonl` and MLflow get them."""


@dataclass(frozen=True)
class Job:
    """One training: what is shown to the network, and how."""

    network: MtlNetwork
    cut: Cut
    read: Read
    examples: Sequence[Example]
    recipe: TrainRecipe
    alpha: float
    beta: float
    seed: int
    validate: Callable[[], tuple[float, Row]] | None
    """Selection score (higher is better) and figures; `None` trains to the last epoch."""
    epochs: int
    """Epochs to run; the schedule's length stays the recipe's."""


@dataclass(frozen=True)
class Fit:
    """How a training ended."""

    best_epoch: int
    score: float | None
    rows: tuple[Row, ...]


def fit(job: Job, folder: Path, on_epoch: Callable[[int, Row], None]) -> Fit:
    """Trains the network, and leaves it with the weights of its best validated epoch.

    Every epoch's state is kept in `folder`; a killed training goes on from it to the same result.

    Args:
        job: what to train.
        folder: keeps the checkpoint.
        on_epoch: is told each new epoch and its figures.

    Raises:
        MtlserError: the loss is no longer finite; names the utterances of that batch.
    """
    folder.mkdir(parents=True, exist_ok=True)
    steps = math.ceil(len(job.examples) / job.recipe.batch_size)
    optimizer = make_optimizer(job.network, job.recipe)
    best, rows = checkpoint.load(folder, job.network, optimizer)
    schedule = make_schedule(optimizer, job.recipe, steps, done=len(rows) * steps)
    while len(rows) < job.epochs and not _finished(rows, job.recipe.patience):
        epoch = len(rows) + 1
        row = train_epoch(job, epoch, optimizer, schedule)
        if job.validate is not None:
            score, figures = job.validate()
            row |= figures | {"score": score}
            if score > max((_score(r) for r in rows), default=-math.inf):
                best = checkpoint.trained_weights(job.network)
        rows.append(row)
        checkpoint.save(folder, job.network, optimizer, best, rows)
        on_epoch(epoch, row)
    if job.validate is None:
        return Fit(len(rows), None, tuple(rows))
    job.network.load_state_dict(best, strict=False)
    chosen = best_epoch(rows)
    return Fit(chosen, _score(rows[chosen - 1]), tuple(rows))


def best_epoch(rows: Sequence[Row]) -> int:
    """The epoch with the best validation score, the earliest on a tie; counted from 1."""
    scores = [_score(row) for row in rows]
    return scores.index(max(scores)) + 1


def train_epoch(job: Job, epoch: int, optimizer: Optimizer, schedule: LambdaLR) -> Row:
    """One pass over the training examples; means of the losses over its batches."""
    torch.manual_seed(rng.torch_seed(job.seed, "dropout", str(epoch)))
    job.network.train()
    weights_e = class_weights(job.examples) if job.recipe.class_weights else None
    sums = torch.zeros(5)
    started, audio_s = time.perf_counter(), 0.0
    order = batches.epoch_order(job.examples, job.recipe.batch_size, job.seed, epoch)
    for group in order:
        batch = load_batch(job, group)
        losses = step(job, batch, optimizer, weights_e)
        schedule.step()
        figures = [losses.total, losses.emotion, losses.ctc, losses.speaker, losses.ctc_infeasible]
        sums += torch.stack([figure.detach().cpu() for figure in figures])
        audio_s += sum(example.utterance.duration_s for example in group)
    seconds = time.perf_counter() - started
    means = (sums[:4] / len(order)).tolist()
    names = ("train_loss", "train_loss_emotion", "train_loss_ctc", "train_loss_speaker")
    return {
        **dict(zip(names, means, strict=True)),
        "ctc_infeasible": float(sums[4]),
        "learning_rate": schedule.get_last_lr()[0],
        "train_seconds": seconds,
        "audio_s_per_s": audio_s / seconds,
    }


def load_batch(job: Job, group: Sequence[Example]) -> Batch:
    """The group as one batch that enters the network at `local` or `encoded`."""
    batch = batches.collate(group, job.read)
    if job.cut != "wav":
        return batch
    wavs = [wav[:n] for wav, n in zip(batch.features_btc, batch.lengths_b.tolist(), strict=True)]
    local = job.network.encoder.local(wavs)
    padded = torch.nn.utils.rnn.pad_sequence(local, batch_first=True)
    return Batch(batch.ids, padded, torch.tensor([len(x) for x in local]), batch.targets)


def step(job: Job, batch: Batch, optimizer: Optimizer, weights_e: Tensor | None) -> Losses:
    """One optimiser step.

    Raises:
        MtlserError: the loss is not finite.
    """
    features_btc = batch.features_btc
    if job.recipe.spec_augment:
        features_btc = spec_augment(features_btc)
    logits = forward(job, features_btc, batch.lengths_b)
    losses = joint_loss(logits, batch.targets, job.alpha, job.beta, weights_e)
    if not torch.isfinite(losses.total):
        raise MtlserError(
            f"the loss became {losses.total.item()} at utterances {', '.join(batch.ids)}; lower "
            "the rate with `--set train.learning_rate=...`, or set `--set train.clip_norm=1`"
        )
    optimizer.zero_grad(set_to_none=True)
    losses.total.backward()
    if job.recipe.clip_norm is not None:
        torch.nn.utils.clip_grad_norm_(job.network.parameters(), job.recipe.clip_norm)
    optimizer.step()
    return losses


def forward(job: Job, features_btc: Tensor, lengths_b: Tensor) -> Logits:
    """The logits of one batch, in the recipe's precision."""
    device = next(job.network.parameters()).device
    features_btc, lengths_b = features_btc.to(device), lengths_b.to(device)
    cut: Cut = "encoded" if job.cut == "encoded" else "local"
    half = job.recipe.precision == "bf16" or (
        job.recipe.precision == "auto" and device.type == "cuda" and torch.cuda.is_bf16_supported()
    )
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=half):
        logits: Logits = job.network(features_btc, lengths_b, cut)
    return logits


def make_optimizer(network: MtlNetwork, recipe: TrainRecipe) -> Optimizer:
    """Adam or AdamW with one rate for the encoder and one for the heads."""
    heads = network.head_parameters()
    encoder = [p for p in network.encoder.parameters() if p.requires_grad]
    groups = [{"params": heads, "lr": recipe.head_learning_rate or recipe.learning_rate}]
    if encoder:
        groups.insert(0, {"params": encoder, "lr": recipe.learning_rate})
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[recipe.optimizer]
    return kind(groups, weight_decay=recipe.weight_decay)


def make_schedule(optimizer: Optimizer, recipe: TrainRecipe, steps: int, done: int) -> LambdaLR:
    """The rate over all steps of `recipe.epochs`, standing at step `done`."""
    total = steps * recipe.epochs
    warm = max(1, round(recipe.warmup * total)) if recipe.warmup else 0

    def factor(index: int) -> float:
        if index < warm:
            return (index + 1) / warm
        share = (index - warm) / max(1, total - warm)
        if recipe.schedule == "linear":
            return max(0.0, 1.0 - share)
        if recipe.schedule == "cosine":
            return 0.5 * (1.0 + math.cos(math.pi * min(1.0, share)))
        return 1.0

    for group in optimizer.param_groups:
        group["initial_lr"] = group.get("initial_lr", group["lr"])
    return LambdaLR(optimizer, factor, last_epoch=done - 1)


def class_weights(examples: Sequence[Example]) -> Tensor:
    """Weight of each class: examples / (classes x its examples), as scikit-learn's `balanced`."""
    counts_e = torch.bincount(torch.tensor([example.emotion for example in examples])).float()
    return counts_e.sum() / (len(counts_e) * counts_e.clamp(min=1))


def spec_augment(features_btc: Tensor, share: float = 0.05) -> Tensor:
    """Features with one random span of frames and one of channels set to zero for each clip."""
    longest_t = max(1, int(features_btc.shape[1] * share * 2))
    longest_c = max(1, int(features_btc.shape[2] * share * 2))
    masked = torchaudio.functional.mask_along_axis_iid(features_btc[:, None], longest_t, 0.0, 2)
    masked = torchaudio.functional.mask_along_axis_iid(masked, longest_c, 0.0, 3)
    return masked[:, 0]


def _score(row: Row) -> float:
    score = row["score"]
    return -math.inf if score is None else score


def _finished(rows: Sequence[Row], patience: int) -> bool:
    if not rows or "score" not in rows[0]:
        return False
    return len(rows) - best_epoch(rows) >= patience


__all__ = ["Fit", "Job", "Row", "Targets", "fit"]
