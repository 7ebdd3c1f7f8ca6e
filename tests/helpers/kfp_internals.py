"""What the tests use of kfp beyond its public interface, and the product does not."""

from pathlib import Path

import pytest


def user_context(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Puts the user's own settings of kfp at `path`."""
    monkeypatch.setattr("kfp.Client._LOCAL_KFP_CONTEXT", str(path))
