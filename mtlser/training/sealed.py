"""Tensors in one safetensors file whose metadata hold a digest of all that the file says."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mtlser.errors import DamagedError
from mtlser.files import atomic_file

SEAL = "sha256"


def write(
    path: Path, tensors: Mapping[str, Tensor], said: Mapping[str, str], *, retain: bool = False
) -> None:
    """Writes the file, whole.

    Args:
        path: the file.
        tensors: on any device.
        said: texts that go with them.
        retain: whether the version that is replaced stays as `files.earlier(path)`.

    Raises:
        NoSpaceError: the disk is full.
    """
    on_host = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    metadata = {**said, SEAL: digest(on_host, said)}
    with atomic_file(path, flag="--work", retain=retain) as temporary:
        save_file(on_host, temporary, metadata=metadata)


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and texts that `write` wrote.

    Raises:
        DamagedError: the file holds something else, or no digest.
    """
    try:
        with safe_open(path, framework="pt") as file:
            said = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, TypeError, RuntimeError) as error:
        raise DamagedError(path, " ".join(str(error).split())) from None
    seal = said.pop(SEAL, "")
    if seal != digest(tensors, said):
        raise DamagedError(path, "its checksum is another one" if seal else "no checksum")
    return tensors, said


def digest(tensors: Mapping[str, Tensor], said: Mapping[str, str]) -> str:
    """SHA-256 over names, types, shapes and values, and over the texts."""
    sha = hashlib.sha256(repr(sorted(said.items())).encode())
    for name, value in sorted(tensors.items()):
        sha.update(repr((name, str(value.dtype), tuple(value.shape))).encode())
        sha.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return sha.hexdigest()
