"""What moves the weights: rates by depth, schedule, precision."""

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from mtlser.errors import MtlserError
from mtlser.models.mtl import MtlNetwork
from mtlser.recipe import TrainRecipe
from mtlser.training.batches import Example

LAYER = re.compile(r"\blayers\.(\d+)\.")


def make_optimizer(network: MtlNetwork, recipe: TrainRecipe) -> Optimizer:
    """Adam or AdamW, with rates of their own for the heads and, by depth, for the encoder."""
    encoder: dict[float, list[nn.Parameter]] = {}
    for name, parameter in network.encoder.named_parameters():
        if parameter.requires_grad:
            rate = recipe.learning_rate * depth_factor(name, network, recipe.layer_decay)
            encoder.setdefault(rate, []).append(parameter)
    groups = [{"params": encoder[rate], "lr": rate} for rate in sorted(encoder, reverse=True)]
    heads = recipe.head_learning_rate or recipe.learning_rate
    groups.append({"params": network.head_parameters(), "lr": heads})
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[recipe.optimizer]
    meta = network.device.type == "meta"  # where steps are counted: torch fuses nothing there
    return kind(groups, weight_decay=recipe.weight_decay, fused=not meta, foreach=meta)


def depth_factor(name: str, network: MtlNetwork, decay: float) -> float:
    """Rate of an encoder's parameter relative to that of its last layer, by its name.

    A parameter of no layer has the rate of the lowest one.
    """
    match = LAYER.search(name)
    layer = int(match[1]) if match else 0
    factor: float = decay ** (network.encoder.layer_count - 1 - layer)
    return factor


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


def class_weights(shown: Sequence[Example], classes: int) -> Tensor:
    """Weight of each class: examples / (classes x its examples), as scikit-learn's `balanced`.

    A class without an example has weight 0 and does not count among the classes.

    Args:
        shown: training examples.
        classes: of the emotion head.
    """
    emotions = torch.tensor([example.emotion for example in shown])
    counts_e = torch.bincount(emotions, minlength=classes).float()
    there_e = counts_e > 0
    return there_e * counts_e.sum() / (there_e.sum() * counts_e.clamp(min=1))


def activation_dtype(precision: str, device: torch.device) -> torch.dtype:
    """The dtype of activations that a recipe's `precision` means on a device.

    Raises:
        MtlserError: fp16 without a GPU, or bf16 on a GPU that has none.
    """
    cuda = device.type == "cuda"
    if precision == "fp16" and not cuda:
        raise MtlserError(
            "precision fp16 needs a GPU, and there is none here; use `--set train.precision=bf16`, "
            "or fp32"
        )
    if precision == "bf16" and cuda and not torch.cuda.is_bf16_supported():
        raise MtlserError(
            f"precision bf16 is not to be had on {torch.cuda.get_device_name(device)}; use "
            "`--set train.precision=fp16`, or fp32"
        )
    if precision == "auto":
        fast = torch.cuda.is_bf16_supported() if cuda else cpu_multiplies_bf16()
        precision = "bf16" if fast else "fp32"
    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]


@cache
def cpu_multiplies_bf16() -> bool:
    """Whether this processor has products of bf16 in hardware; else they are slower than fp32."""
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


@contextmanager
def deterministic(wanted: bool) -> Iterator[None]:
    """Asks torch for deterministic algorithms within the block, where it has them."""
    before = torch.are_deterministic_algorithms_enabled()
    warned = torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark = torch.backends.cudnn.benchmark
    if wanted:
        import os

        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warned)
        torch.backends.cudnn.benchmark = benchmark
