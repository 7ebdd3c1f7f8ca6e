"""Whether this machine computes an encoder rightly in 16 bits; what it does not is left in fp32.

A processor, a driver or a library can be wrong for a shape: oneDNN's grouped convolution with 8
channels a group gives other numbers on processors with AMX. So each unit of the encoder is computed
once in both types, forward and backward, before a training in 16 bits.
"""

import hashlib
import json
import logging
import os
import platform
from pathlib import Path

import torch
from torch import Tensor

from mtlser import storage
from mtlser.errors import DamagedError, MtlserError
from mtlser.models.speech_encoder import SpeechEncoder, Unit
from mtlser.storage import checked
from mtlser.training.processes import Processes

LIMITS = {torch.bfloat16: 0.1, torch.float16: 0.05}
"""Largest error of a unit's output, and of its gradients, relative to fp32; 0.02 is usual."""
VERSION = 2
"""Of this check; another one never reads what this one remembers."""
log = logging.getLogger(__name__)


def check(encoder: SpeechEncoder, dtype: torch.dtype, processes: Processes) -> frozenset[str]:
    """Names of the units that are left in fp32 from now on; the first process decides for all.

    Takes 0.3 s for wav2vec 2.0 base (94 M parameters) on two cores; what was found is remembered in
    the cache folder by processor, versions and shapes. Draws no global random number.

    Args:
        encoder: on its device; fp32 weights.
        dtype: of activations; fp32 needs no check.
        processes: those that train together.
    """
    if dtype == torch.float32:
        return frozenset()
    wrong: list[str] = processes.from_main(_remembered(encoder, dtype) if processes.main else [])
    if wrong:
        encoder.compute_exactly(frozenset(wrong))
        if processes.main:
            log.warning(
                "this machine (%s) computes %s of the encoder wrongly in %s; fp32 is used there",
                processor(next(encoder.parameters()).device).partition(" ")[0],
                ", ".join(wrong),
                str(dtype).removeprefix("torch."),
            )
    return frozenset(wrong)


def wrong_units(encoder: SpeechEncoder, dtype: torch.dtype) -> list[str]:
    """Names of the units whose output or gradients in `dtype` are not those of fp32."""
    training = encoder.training
    encoder.eval()
    try:
        return [
            name
            for name, unit in encoder.units().items()
            if not error(unit, dtype, next(encoder.parameters()).device) <= LIMITS[dtype]
        ]
    finally:
        encoder.train(training)


def error(unit: Unit, dtype: torch.dtype, device: torch.device) -> float:
    """Larger of the relative errors of a unit's output and of its gradients, against fp32.

    Not a number where `dtype` gives no finite result.
    """
    drawn = torch.Generator().manual_seed(0)
    x = torch.randn(unit.shape, generator=drawn).to(device)
    expected, computed = (_results(unit, x, each) for each in (torch.float32, dtype))
    errors = [
        float((got - want).norm() / want.norm().clamp(min=1e-12))
        for got, want in zip(computed, expected, strict=True)
    ]
    return max(errors) if all(each == each for each in errors) else float("nan")  # noqa: PLR0124


def _results(unit: Unit, x: Tensor, dtype: torch.dtype) -> list[Tensor]:
    """The output, and all gradients in one row where there are any."""
    parameters = [each for each in unit.module.parameters() if each.requires_grad]
    with torch.enable_grad():
        output = unit.compute(x, dtype).float()
        if not parameters:
            return [output.detach()]
        drawn = torch.Generator().manual_seed(1)
        weights = torch.randn(output.shape, generator=drawn).to(output.device)
        gradients = torch.autograd.grad((output * weights).sum(), parameters, allow_unused=True)
    flat = torch.cat([each.float().flatten() for each in gradients if each is not None])
    return [output.detach(), flat]


def _remembered(encoder: SpeechEncoder, dtype: torch.dtype) -> list[str]:
    path = storage.cache_folder() / "precision" / f"{_key(encoder, dtype)}.json"
    try:
        wrong: list[str] = checked.read_json(path)
    except DamagedError:  # or none
        wrong = wrong_units(encoder, dtype)
        _remember(path, wrong)
    return wrong


def _remember(path: Path, wrong: list[str]) -> None:
    """Writes what was found; a cache that cannot be written costs the check again, no more."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        checked.write_json(path, wrong)
    except (OSError, MtlserError) as problem:
        log.info("the check of 16-bit precision is not remembered: %s", problem)


def _key(encoder: SpeechEncoder, dtype: torch.dtype) -> str:
    shapes = [(name, list(p.shape), p.requires_grad) for name, p in encoder.named_parameters()]
    decides = {
        "check": VERSION,
        "torch": torch.__version__,
        "processor": processor(next(encoder.parameters()).device),
        "dtype": str(dtype),
        "encoder": type(encoder).__name__,
        "parameters": shapes,
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:24]


def processor(device: torch.device) -> str:
    """What computes: a GPU's name, or a CPU's with the instructions that it may use."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    able = torch.cpu.get_capabilities()
    name = str(able.get("cpu_name", platform.machine()))
    bounds = [os.environ.get(bound, "") for bound in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")]
    instructions = [key for key, has in sorted(able.items()) if has is True]
    return " ".join([name, *instructions, *filter(None, bounds)])
