"""What is used of transformers beyond its public interface; a new version is checked here first.

`tests/test_library_internals.py` refuses such names anywhere else.
"""

from pathlib import Path
from typing import Any

from torch import nn


def file_of(place: str, name: str, **options: Any) -> Path | None:
    """One file of a model in Hugging Face layout, or `None` where it has none of that name."""
    from transformers.utils.hub import cached_file

    found = cached_file(place, name, _raise_exceptions_for_missing_entries=False, **options)
    return None if found is None else Path(found)


def commit_of(file: Path) -> str:
    """The hub's commit that a file is of; empty: it is not from the hub."""
    from transformers.utils.hub import extract_commit_hash

    return extract_commit_hash(str(file), None) or ""


def freeze_convolutions(local: nn.Module) -> None:
    """Stops gradients of a wav2vec 2.0 CNN, and tells it so: else its input becomes a leaf."""
    freeze: Any = local._freeze_parameters
    freeze()
