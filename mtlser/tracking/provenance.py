"""Which code ran."""

import os
import subprocess
from pathlib import Path


def commit() -> str | None:
    """The git commit of this code (`-dirty` where changed): `MTLSER_COMMIT`, else the checkout."""
    given = os.environ.get("MTLSER_COMMIT")
    checkout = Path(__file__).resolve().parents[2]
    if given or not (checkout / ".git").exists():
        return given
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
