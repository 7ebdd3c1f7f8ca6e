"""Starts one training as several processes of this machine, one a GPU."""

import logging
import os
import shlex
import subprocess
import sys
from collections import deque
from pathlib import Path
from tempfile import TemporaryDirectory

from mtlser import runtime
from mtlser.errors import MtlserError
from mtlser.recipe import Recipe, dumps
from mtlser.records import Cell
from mtlser.tracking import RUN_VARIABLE

MISTAKE = "mtlser: "
"""How the command line begins the sentence of a user's mistake."""
KEPT_LINES = 30

log = logging.getLogger(__name__)


def started() -> bool:
    """Whether this process is one of a team already."""
    return "WORLD_SIZE" in os.environ


def train(
    processes: int,
    places: tuple[str, str, str],
    cell: Cell,
    recipe: Recipe,
    out: str,
    work: str,
    run: str,
) -> None:
    """Runs `mtlser train` by `torchrun` and waits for it.

    Args:
        processes: how many.
        places: corpus, folds and chosen folder; the last may be empty.
        cell: what is to be trained.
        recipe: the resolved recipe.
        out: cell folder that the first process writes.
        work: folder or `s3://` address to resume from; may be empty.
        run: key of the parent run in MLflow; may be empty.

    Raises:
        MtlserError: a process told of a user's mistake.
        RuntimeError: a process ended badly otherwise; its last lines.
    """
    corpus, folds, chosen = places
    with TemporaryDirectory(prefix="mtlser-") as scratch:
        given = Path(scratch) / "recipe.toml"  # Linux bounds the length of an argument
        given.write_text(dumps(recipe), encoding="utf-8")
        command = [
            *(sys.executable, "-m", "torch.distributed.run"),
            *("--standalone", "--nproc-per-node", str(processes), "-m", "mtlser", "train"),
            *("--manifest", corpus, "--folds", folds, "--chosen", chosen),
            *(*shlex.split(cell.flags), "--recipe", str(given), "--out", out, "--work", work),
        ]
        _run(command, run, processes)


def _run(command: list[str], run: str, processes: int) -> None:
    last: deque[str] = deque(maxlen=KEPT_LINES)
    mistake = ""
    found = Path(__file__).parents[2]
    paths = [str(found), *filter(None, [os.environ.get("PYTHONPATH")])]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env={
            **os.environ,
            **runtime.UTF8_PIPES,
            "PYTHONPATH": os.pathsep.join(paths),
            RUN_VARIABLE: run,
        },
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            log.info("%s", line.rstrip("\n"))
            last.append(line)
            if line.startswith(MISTAKE):
                mistake = line.removeprefix(MISTAKE).strip()
    if process.returncode == 0:
        return
    if mistake:
        raise MtlserError(mistake)
    raise RuntimeError(f"{processes} processes ended with {process.returncode}:\n{''.join(last)}")
