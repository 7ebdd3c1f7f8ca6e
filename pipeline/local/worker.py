"""The process that runs a DAG under kfp.local: `python -m pipeline.local.worker ORDER.json`.

It is a process of its own because kfp.local replaces `print` and the root logger's handlers from
several threads at once, and runs every queued loop step to its end even when one has failed. Its
output is one tagged line a line, `THREAD<TAB>TEXT`, so that steps running side by side can be told
apart (`pipeline.local.steps` reads it).
"""

import io
import json
import logging
import os
import signal
import sys
import threading
import warnings
from pathlib import Path
from typing import Any, TextIO

from pydantic import BaseModel, ConfigDict

from mtlser import runtime
from mtlser.errors import hide_secrets_in_tracebacks
from mtlser.storage import checked


class Order(BaseModel):
    """What the worker is to run, as JSON on disk."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dag: str
    arguments: dict[str, str]
    """Of the DAG, by name."""
    steps: str
    """Folder for the steps' outputs."""
    cache: str
    """Folder that remembers finished steps."""
    result: str
    """File to write: a `Result`."""
    cores: int


class Result(BaseModel):
    """Where a finished run left its artifacts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    places: dict[str, str]
    """Folder of each pipeline output."""
    cells: dict[str, str]
    """Folder of each trained cell of the main report; empty where there is none."""


class Tagged(io.TextIOBase):
    """A text stream that writes whole lines to `target`, each tagged with its thread."""

    def __init__(self, target: TextIO) -> None:
        self._target = target
        self._lock = threading.Lock()
        self._local = threading.local()

    def write(self, text: str) -> int:
        """Keeps `text` until its line is whole; the number of characters."""
        *lines, rest = (getattr(self._local, "rest", "") + text).split("\n")
        self._local.rest = rest
        with self._lock:
            for line in lines:
                self._target.write(f"{threading.get_ident()}\t{line}\n")
            self._target.flush()
        return len(text)

    def writable(self) -> bool:
        """True."""
        return True


def execute(order: Order) -> Result:
    """Runs the core of a DAG here; where its artifacts are.

    Raises:
        RuntimeError: a step failed; its output says why.
    """
    from kfp import local

    from pipeline.dags import DAGS
    from pipeline.dags.place import Place
    from pipeline.dags.profile import local as this_machine

    local.init(
        local.SubprocessRunner(use_venv=False),
        pipeline_root=order.steps,
        enable_caching=True,
        cache_root=order.cache,
    )
    dag = DAGS[order.dag]
    task = dag.core(Place(this_machine(order.cores)))(**order.arguments)
    places = {name: task.outputs[name].uri for name in dag.outputs}
    if "checked" in places:
        places |= decided(Path(places["checked"]).parents[1])
        folds = list(written(Path(order.steps), "folds"))  # all of one recipe and one release
        places |= {"folds": folds[-1]} if folds else {}
    cells = written(Path(order.steps), "reported").get(places.get("reported", ""), {})
    return Result(places=places, cells=cells.get("cells", {}))


def decided(folder: Path) -> dict[str, str]:
    """What the branch that was taken left: a DAG's outputs may not come from inside one.

    Args:
        folder: of one try of the DAG. Its last step, never cached, says what it decided on.
    """
    registered = written(folder, "registered")
    if not registered:
        return {}
    ((place, rests_on),) = registered.items()  # one branch, one such step
    reported = rests_on["reported"]
    uris = {"registered": place, "final": rests_on["trained"], "reported": reported}
    if rests_on.get("rival", reported) != reported:
        uris["theirs"] = rests_on["rival"]
    return uris


def written(folder: Path, name: str) -> dict[str, dict[str, Any]]:
    """Metadata of all artifacts of that name that steps wrote below `folder`, by place."""
    uris: dict[str, dict[str, Any]] = {}
    for path in folder.rglob("executor_output.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        for each in content.get("artifacts", {}).get(name, {}).get("artifacts", []):
            uris[each["uri"]] = each.get("metadata", {})
    return uris


def main() -> None:
    """Runs the order that the command line names; exit code 1 where a step failed."""
    runtime.relax_collector()
    runtime.print_anything()
    hide_secrets_in_tracebacks()
    order = Order.model_validate_json(Path(sys.argv[1]).read_text(encoding="utf-8"))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    tagged = Tagged(sys.stdout)
    sys.stdout = tagged
    logging.basicConfig(stream=tagged, level=logging.INFO, format="%(levelname)s - %(message)s")
    runtime.show_log(tagged)
    warnings.filterwarnings("ignore", "You may be attemping to run a task", RuntimeWarning)
    warnings.filterwarnings("ignore", ".*no effect in the current local runner", UserWarning)
    try:
        result = execute(order)
    except RuntimeError as error:
        sys.stdout.write(f"{error}\n")
        raise SystemExit(1) from None
    write_result(Path(order.result), result)


def write_result(path: Path, result: Result) -> None:
    """Writes `result`, whole: its being there says that every step has ended well."""
    checked.write_json(path, result.model_dump(mode="json"))


def read_result(path: Path) -> Result | None:
    """The result that a worker wrote; `None` where there is none, or a damaged one."""
    return checked.read_record(path, Result)


def _end_with_parent() -> None:
    """Ends this process group when the parent is gone: standard input then reaches its end."""
    sys.stdin.read()
    os.killpg(os.getpgid(0), signal.SIGKILL)


if __name__ == "__main__":
    main()
