"""`mtlser doctor`: what this machine has, what it computes rightly, and what it can reach."""

import json
import os
import platform
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import typer
from pydantic import BaseModel

from mtlser import storage, tracking
from mtlser.cli import show
from mtlser.errors import public_address

EXAMPLE = "Example: mtlser doctor --json"
PACKAGES = (
    "mtlser", "torch", "torchaudio", "transformers", "accelerate", "optuna", "mlflow", "kfp",
    "kfp-kubernetes", "boto3", "scikit-learn", "numpy",
)  # fmt: skip
LEAST_FREE_GB = 2.0
WAIT_S = 3.0
PORTS = {"http": 80, "https": 443, "postgresql": 5432}


class Finding(BaseModel, frozen=True):
    """One thing that was looked at."""

    name: str
    state: Literal["ok", "not set up", "wrong"]
    detail: str
    advice: str = ""
    """What to do where it is wrong."""


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check this machine: versions, 16-bit precision, devices, disk, S3, MLflow, Kubeflow.

    Exit code 1 where something would make a run fail. What is not set up is no fault.
    """
    findings = list(examine())
    if as_json:
        typer.echo(json.dumps([finding.model_dump() for finding in findings], indent=1))
    else:
        show.table(
            ("", "state", "found"), [(each.name, each.state, each.detail) for each in findings]
        )
        for each in findings:
            if each.advice:
                typer.echo(f"{each.name}: {each.advice}")
    if any(each.state == "wrong" for each in findings):
        raise typer.Exit(1)


def examine() -> Iterator[Finding]:
    """Yields every finding; the quick ones first."""
    yield from _versions()
    yield from _machine()
    yield from _disks()
    yield _s3()
    yield _mlflow()
    yield _kubeflow()
    yield from _precision()


def _versions() -> Iterator[Finding]:
    yield Finding(
        name="Python", state="ok", detail=f"{platform.python_version()}, {sys.executable}"
    )
    for package in PACKAGES:
        try:
            yield Finding(name=package, state="ok", detail=version(package))
        except PackageNotFoundError:
            advice = f"install it: `pip install {package}`, or `make setup` in a checkout"
            yield Finding(name=package, state="wrong", detail="not installed", advice=advice)


def _machine() -> Iterator[Finding]:
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = "unknown"
    if "SC_PHYS_PAGES" in os.sysconf_names:
        memory = f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.1f} GiB"
    threads = os.environ.get("OMP_NUM_THREADS", "not set")
    detail = f"{cores}; torch uses {torch.get_num_threads()} threads, OMP_NUM_THREADS {threads}"
    yield Finding(name="processors", state="ok", detail=detail)
    yield Finding(name="memory", state="ok", detail=memory)
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    if gpus:
        yield Finding(name="GPUs", state="ok", detail=", ".join(gpus))
    else:
        yield Finding(name="GPUs", state="not set up", detail="none that torch can use")


def _disks() -> Iterator[Finding]:
    places = {
        "disk here": Path.cwd(),
        "disk of the cache": storage.cache_folder(),
        "disk of temporary files": Path(tempfile.gettempdir()),
    }
    for name, place in places.items():
        there = next(parent for parent in (place, *place.parents) if parent.exists())
        free_gb = shutil.disk_usage(there).free / 1e9
        detail = f"{free_gb:.1f} GB free at {place}"
        if not os.access(there, os.W_OK):
            advice = "give a folder that may be written: `MTLSER_CACHE=DIR`, `TMPDIR=DIR`"
            yield Finding(name=name, state="wrong", detail=f"{place} is read-only", advice=advice)
        elif free_gb < LEAST_FREE_GB:
            advice = f"make room: a run needs {LEAST_FREE_GB:g} GB or more"
            yield Finding(name=name, state="wrong", detail=detail, advice=advice)
        else:
            yield Finding(name=name, state="ok", detail=detail)


def _s3() -> Finding:
    from mtlser.storage.s3 import check

    if not check.set_up():
        return Finding(name="S3", state="not set up", detail="local folders only")
    problem = check.problem()
    if problem is None:
        return Finding(name="S3", state="ok", detail=f"{check.shown()} answers")
    advice = "check AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    return Finding(name="S3", state="wrong", detail=f"{check.shown()}: {problem}", advice=advice)


def _mlflow() -> Finding:
    if not tracking.tracked():
        return Finding(name="MLflow", state="not set up", detail="MTLSER_TRACKING is off")
    address = tracking.uri()
    if urlsplit(address).scheme.partition("+")[0] not in PORTS:
        return Finding(name="MLflow", state="ok", detail=public_address(address))
    return _reached("MLflow", address, "start the server, or set MLFLOW_TRACKING_URI to another")


def _kubeflow() -> Finding:
    address = os.environ.get("KF_PIPELINES_ENDPOINT", "")
    if not address:
        return Finding(name="Kubeflow", state="not set up", detail="KF_PIPELINES_ENDPOINT is unset")
    return _reached("Kubeflow", address, "check KF_PIPELINES_ENDPOINT, or forward its port")


def _reached(name: str, address: str, advice: str) -> Finding:
    """Whether somebody listens there; nothing is asked."""
    shown = public_address(address)
    try:
        parts = urlsplit(address if "://" in address else f"https://{address}")
        port = parts.port or PORTS[parts.scheme.partition("+")[0]]
        with socket.create_connection((parts.hostname or "", port), WAIT_S):
            return Finding(name=name, state="ok", detail=f"{shown} answers")
    except (OSError, ValueError, KeyError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        return Finding(name=name, state="wrong", detail=f"{shown}: {reason}", advice=advice)


def _precision() -> Iterator[Finding]:
    """Each 16-bit type on each kind of device, in the shapes of the bundled encoder."""
    import torch

    from mtlser.models.encoder import load_encoder
    from mtlser.training import precision

    encoder = load_encoder("bundled")
    kinds = [("cpu", torch.bfloat16)]
    if torch.cuda.is_available():
        kinds += [("cuda", torch.bfloat16), ("cuda", torch.float16)]
    for device, dtype in kinds:
        wrong = precision.wrong_units(encoder.to(device), dtype)
        name = f"{str(dtype).removeprefix('torch.')} on {device}"
        by = precision.processor(torch.device(device)).partition(" ")[0]
        exact = f"fp32 is used for {', '.join(wrong)}" if wrong else "computed as in fp32"
        yield Finding(name=name, state="ok", detail=f"{exact} ({by}; bundled encoder)")
