"""Writes DAGs as Kubeflow's intermediate representation (YAML)."""

from dataclasses import replace
from pathlib import Path

from kfp import compiler

from components import IMAGE
from mtlser.errors import MtlserError
from mtlser.files import atomic_file
from pipeline import sizes
from pipeline.dags import DAGS
from pipeline.dags import profile as profiles
from pipeline.dags.place import Place


def write(out: Path, image: str = IMAGE, profile: str = "gpu") -> list[Path]:
    """The files written, `OUT/NAME.yaml` of every DAG.

    Args:
        out: folder, made where absent.
        image: reference of the image that every step runs in; a release gives its digest.
        profile: what the steps ask the cluster for: a shipped name, or a path to a TOML file.

    Raises:
        MtlserError: no such profile, or `out` is a file.
    """
    return [package(name, out, image, profile) for name in DAGS]


def package(name: str, out: Path, image: str = IMAGE, profile: str = "gpu") -> Path:
    """The file written, `OUT/NAME.yaml` of one DAG; see `write`.

    Raises:
        MtlserError: as `write`, or no such DAG.
    """
    if name not in DAGS:
        raise MtlserError(f"DAG {name!r}: expected one of {', '.join(DAGS)}")
    place = Place(profiles.load(profile), image)
    dag = DAGS[name]
    if out.exists() and not out.is_dir():
        raise MtlserError(f"--out {out}: is a file; give a folder, for example build/pipelines")
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{name}.yaml"
    with atomic_file(path) as temporary:
        compiler.Compiler().compile(dag.guarded(place), str(temporary))
        if dag.loops:  # what is written tells how much room a run has, and has to say so
            most = sizes.most_cells(temporary.stat().st_size, dag.loops)
            place = replace(place, most_cells=most)
            compiler.Compiler().compile(dag.guarded(place), str(temporary))
    return path
