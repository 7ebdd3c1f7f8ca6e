"""The compiled DAG: what it asks for, and what it must never do."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from mtlser.errors import MtlserError
from pipeline import compile as compiling
from pipeline.profile import local

GOLDEN = Path(__file__).parent / "golden" / "crossval.yaml"
IMAGE = "mtlser:golden"
HEAVY = {"search", "train", "train-2", "noise-eval"}
LIGHT = {"ingest", "fold-split", "report", "register"}

Node = dict[str, Any]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiling.write(tmp_path_factory.mktemp("ir"), IMAGE)


@pytest.fixture(scope="module")
def ir(compiled: Path) -> Node:
    """The first document; a second one, where there is one, is for Kubernetes."""
    return next(iter(yaml.safe_load_all(compiled.read_text(encoding="utf-8"))))


def test_ir_is_the_golden_file(compiled: Path) -> None:
    seen, kept = compiled.read_text(encoding="utf-8"), GOLDEN.read_text(encoding="utf-8")
    assert seen == kept, "the DAG changed: look at the difference, then run `make golden`"


def dags(ir: Node) -> list[Node]:
    found = [ir["root"]["dag"]]
    return found + [c["dag"] for c in ir["components"].values() if "dag" in c]


def upstream_parameters_in_loops(ir: Node) -> list[str]:
    """Parameters of other steps that enter a loop, besides the list it runs over.

    kfp.local silently replaces each of them by the loop item.
    """
    found = []
    for dag in dags(ir):
        for name, task in dag["tasks"].items():
            if "parameterIterator" not in task:
                continue
            items = task["parameterIterator"]["items"]["inputParameter"]
            for key, value in task.get("inputs", {}).get("parameters", {}).items():
                if "taskOutputParameter" in value and key != items:
                    found.append(f"{name}: {key}")
    return found


def test_no_upstream_parameter_enters_the_loop(ir: Node) -> None:
    assert sum("parameterIterator" in t for d in dags(ir) for t in d["tasks"].values()) == 1
    assert upstream_parameters_in_loops(ir) == []


def test_an_upstream_parameter_in_a_loop_would_be_seen(tmp_path: Path) -> None:
    from kfp import compiler, dsl

    @dsl.component(base_image=IMAGE, install_kfp_package=False)
    def listed() -> list[str]:
        return ["a"]

    @dsl.component(base_image=IMAGE, install_kfp_package=False)
    def chosen() -> float:
        return 0.1

    @dsl.component(base_image=IMAGE, install_kfp_package=False)
    def use(item: str, alpha: float) -> None:
        pass

    @dsl.pipeline(name="wrong")
    def wrong() -> None:
        alpha = chosen().output
        with dsl.ParallelFor(listed().output) as item:
            use(item=item, alpha=alpha)

    path = tmp_path / "wrong.yaml"
    compiler.Compiler().compile(wrong, str(path))
    seen = upstream_parameters_in_loops(yaml.safe_load(path.read_text(encoding="utf-8")))
    assert seen == ["for-loop-1: pipelinechannel--chosen-Output"]


def test_no_loop_is_nested(ir: Node) -> None:
    inner = [c["dag"] for c in ir["components"].values() if "dag" in c]
    assert not any("parameterIterator" in t for dag in inner for t in dag["tasks"].values())


def test_no_hyper_parameter_is_in_the_dag(ir: Node) -> None:
    assert set(ir["root"]["inputDefinitions"]["parameters"]) == {
        "recipe",
        "data_version",
        "work",
        "run",
    }


def containers(ir: Node) -> dict[str, Node]:
    executors = ir["deploymentSpec"]["executors"]
    return {name.removeprefix("exec-"): e["container"] for name, e in executors.items()}


def test_every_step_is_one_of_ours_in_the_given_image(ir: Node) -> None:
    assert set(containers(ir)) == HEAVY | LIGHT
    assert {c["image"] for c in containers(ir).values()} == {IMAGE}
    assert not any("pip install" in " ".join(c["command"]) for c in containers(ir).values())


def test_heavy_steps_ask_for_one_gpu_and_light_ones_for_none(ir: Node) -> None:
    for name, container in containers(ir).items():
        accelerator = container["resources"].get("accelerator", {})
        asked = (accelerator.get("resourceType"), accelerator.get("resourceCount"))
        assert asked == (("nvidia.com/gpu", "1") if name in HEAVY else (None, None)), name
        assert container["resources"]["resourceMemoryLimit"], name


def test_the_cpu_profile_asks_for_no_gpu(tmp_path: Path) -> None:
    text = compiling.write(tmp_path, IMAGE, "cpu").read_text(encoding="utf-8")
    assert "accelerator" not in text
    assert "resourceCpuRequest" in text


def test_every_step_retries_with_back_off_and_register_is_never_cached(ir: Node) -> None:
    tasks = {
        name: t for dag in dags(ir) for name, t in dag["tasks"].items() if name != "for-loop-1"
    }
    for name, task in tasks.items():
        policy = task["retryPolicy"]
        assert (policy["maxRetryCount"], policy["backoffFactor"]) == (2, 2.0), name
        assert task["cachingOptions"] == ({} if name == "register" else {"enableCache": True}), name


def test_every_tracked_step_gets_the_run_key_and_the_job_id(ir: Node) -> None:
    tracked = {"search", "train", "train-2", "report", "register"}
    for dag in dags(ir):
        for name, task in dag["tasks"].items():
            if name not in tracked:
                continue
            given = task["inputs"]["parameters"]
            assert given["job"]["runtimeValue"]["constant"] == "{{$.pipeline_job_uuid}}", name
            assert "run" in given, name


def test_scores_reach_the_ui_as_artifacts(ir: Node) -> None:
    outputs = ir["components"]["comp-report"]["outputDefinitions"]["artifacts"]
    assert {name: a["artifactType"]["schemaTitle"] for name, a in outputs.items()} == {
        "reported": "system.Artifact",
        "metrics": "system.Metrics",
        "confusion": "system.ClassificationMetrics",
        "page": "system.HTML",
    }


def test_the_local_profile_shares_the_cores_of_the_loop() -> None:
    assert local(2).loop_environment["OMP_NUM_THREADS"] == "1"
    assert local(16).loop_environment["OMP_NUM_THREADS"] == "8"
    assert local(1).loop_environment["OMP_NUM_THREADS"] == "1"
    assert local(2).retries == 0


def test_unknown_profile_and_file_as_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MtlserError, match="expected one of cpu, gpu"):
        compiling.write(tmp_path, IMAGE, "tpu")
    (tmp_path / "file").touch()
    with pytest.raises(MtlserError, match="is a file"):
        compiling.write(tmp_path / "file", IMAGE)
