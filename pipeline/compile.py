"""Writes a DAG as Kubeflow's intermediate representation (YAML)."""

from pathlib import Path

from kfp import compiler

from components import IMAGE
from mtlser.errors import MtlserError
from pipeline.crossval import crossval
from pipeline.profile import CLUSTERS


def write(out: Path, image: str = IMAGE, profile: str = "gpu") -> Path:
    """The file written, `OUT/crossval.yaml`.

    Args:
        out: folder, made where absent.
        image: reference of the image that every step runs in; a release gives its digest.
        profile: what the steps ask the cluster for, one of `CLUSTERS`.

    Raises:
        MtlserError: no such profile, or `out` is a file.
    """
    if profile not in CLUSTERS:
        raise MtlserError(
            f"--profile {profile!r}: expected one of {', '.join(sorted(CLUSTERS))}, for example "
            "`mtlser-pipeline compile --profile gpu --out build/pipelines`"
        )
    if out.exists() and not out.is_dir():
        raise MtlserError(f"--out {out}: is a file; give a folder, for example build/pipelines")
    out.mkdir(parents=True, exist_ok=True)
    path = out / "crossval.yaml"
    temporary = out / "crossval.tmp.yaml"
    compiler.Compiler().compile(crossval(CLUSTERS[profile], image), str(temporary))
    return temporary.replace(path)
