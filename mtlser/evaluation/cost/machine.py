"""What a measurement ran on, and how much memory it took."""

import os
import platform
import resource
from pathlib import Path
from typing import Any

from mtlser.evaluation.cost.cost_records import Machine

STATUS = Path("/proc/self/status")
CLEAR_PEAK = Path("/proc/self/clear_refs")
CPUS = Path("/proc/cpuinfo")


def describe(device: Any) -> Machine:
    """The machine that this process runs on, and the `torch.device` that it computes with."""
    import torch

    return Machine(
        cpu=cpu_name(),
        cores=len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1,
        threads=torch.get_num_threads(),
        device="cpu" if device.type == "cpu" else torch.cuda.get_device_name(device),
        torch=torch.__version__,
        python=platform.python_version(),
    )


def cpu_name() -> str:
    """The processor's name as the system reports it."""
    if CPUS.is_file():
        for line in CPUS.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() in {"model name", "Model"} and value.strip():
                return value.strip()
    return platform.processor() or platform.machine() or "unknown processor"


def reset_peak(device: Any) -> int | None:
    """Starts the measurement of peak memory anew; bytes that are held now, where known."""
    import torch

    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return int(torch.cuda.memory_allocated(device))
    try:
        CLEAR_PEAK.write_text("5", encoding="ascii")
    except OSError:
        return None
    return _status("VmRSS")


def peak(device: Any) -> int:
    """Most bytes held since `reset_peak`, or since the process started where it cannot be reset."""
    import torch

    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    peak = _status("VmHWM")
    if peak is not None:
        return peak
    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _status(name: str) -> int | None:
    """One line of the kernel's account of this process, in bytes."""
    if not STATUS.is_file():
        return None
    for line in STATUS.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return None
