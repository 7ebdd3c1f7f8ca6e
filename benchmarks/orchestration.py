"""What running the demo as a DAG costs beside the stage functions' own time.

    python -m benchmarks.orchestration

Own time of a step is the time within its stage function less the imports made there. What is left
of the wall time is orchestration: the command's start, kfp, a process and its imports for each
step, and a free lane of the loop at its end. In the loop, which is two wide, own time counts half.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import common

STEPS_LOOPED = {"train", "noise_eval"}
WATCH = """
import atexit, builtins, importlib, json, os, sys, time

depth, spent, noted = 0, 0.0, []


def timed(action):
    def wrapper(*given, **named):
        global depth, spent
        depth += 1
        start = time.perf_counter()
        try:
            return action(*given, **named)
        finally:
            depth -= 1
            if depth == 0:
                spent += time.perf_counter() - start
                watch()
    return wrapper


def stage(name, action):
    def wrapper(*given, **named):
        start, before = time.perf_counter(), spent
        try:
            return action(*given, **named)
        finally:
            whole = time.perf_counter() - start
            final = any(str(g).startswith("mtlser:final") for g in given)
            noted.append({"stage": name, "final": final, "whole": whole, "imports": spent - before})
    return wrapper


def watch():
    stages = sys.modules.get("mtlser.stages")
    if stages is None or hasattr(stages, "_watched") or not hasattr(stages, "load_chosen"):
        return
    stages._watched = True
    names = "ingest split search baselines train noise_eval report register".split()
    for name in names:
        setattr(stages, name, stage(name, getattr(stages, name)))


def tell():
    if noted:
        with open(os.path.join(os.environ["MTLSER_WATCH"], f"{os.getpid()}.json"), "w") as file:
            json.dump(noted, file)


builtins.__import__ = timed(builtins.__import__)
importlib.import_module = timed(importlib.import_module)
atexit.register(tell)
"""


def main() -> None:
    """Runs the demo in a folder of its own and reports the share of orchestration."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
        release, out = folder / "release", folder / "out"
        command = [sys.executable, "-m", "mtlser", "synth", "--out", str(release), "--seed", "0"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        run = [sys.executable, "-m", "pipeline.cli", "run", "--recipe", "demo"]
        run += ["--set", f"data.root={release}", "--out", str(out)]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(folder), str(Path.cwd())]),
            "MTLSER_WATCH": str(folder),
            "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
        }
        start = time.perf_counter()
        subprocess.run(run, check=True, env=environment, stdout=subprocess.DEVNULL)
        wall = time.perf_counter() - start
        processes = [json.loads(path.read_text()) for path in folder.glob("*.json")]
    steps = [step for process in processes for step in process]
    own = imports = 0.0
    for step in steps:
        share = 0.5 if step["stage"] in STEPS_LOOPED and not step["final"] else 1.0
        own += share * (step["whole"] - step["imports"])
        imports += share * step["imports"]
    common.report(
        "orchestration",
        {
            "share": 1 - own / wall,
            "wall_s": wall,
            "own_s": own,
            "imports_in_stages_s": imports,
            "steps": len(steps),
        },
    )


if __name__ == "__main__":
    main()
