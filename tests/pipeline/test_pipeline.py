"""The compiled DAGs: what they ask for, and what they must never do."""

import re
from pathlib import Path

import pytest
import yaml

from mtlser.errors import MtlserError
from pipeline.dags import DAGS
from pipeline.dags import compile as compiling
from pipeline.dags import profile as profiles
from pipeline.job import NAMES
from tests.helpers.compiled_dags import IMAGE, Node, documents

MEASURE = {"search", "baselines", "evaluate", "report"}
CROSSVAL = {"prepare", "ingest", "fold-split", *MEASURE, "train", "register", "report-outcome"}
STEPS = {
    "crossval": CROSSVAL,
    "search": {"prepare", "ingest", "fold-split", "search", "report-outcome"},
    "compare": {"prepare", "ingest", "fold-split", *MEASURE, "compare", "report-outcome"},
    "retrain": {*CROSSVAL, "check-data", "promote"},
}
LIMITED = ("MTLSER_RETRIES", "MTLSER_RETRY_PAUSE_S", "MTLSER_ATTEMPT_S")
HEAVY = {"search", "evaluate", "train"}
UNCACHED = {"prepare", "register", "promote", "check-data", "report-outcome"}
NUMBER = re.compile(r"(-\d+)+$")


@pytest.fixture(scope="module")
def irs(compiled: dict[str, dict[str, Path]]) -> dict[str, Node]:
    return {name: documents(path)[0] for name, path in compiled["gpu"].items()}


@pytest.fixture(params=NAMES)
def ir(request: pytest.FixtureRequest, irs: dict[str, Node]) -> Node:
    return irs[request.param]


def test_job_names_the_dags_that_there_are() -> None:
    assert tuple(DAGS) == NAMES


def test_every_step_is_known_to_profiles() -> None:
    named = {name.replace("-", "_") for steps in STEPS.values() for name in steps}
    assert named | {"search_worker"} == profiles.STEPS


def dags(ir: Node) -> list[Node]:
    result = [ir["root"]["dag"]]
    return result + [c["dag"] for c in ir["components"].values() if "dag" in c]


def upstream_parameters_in_loops(ir: Node) -> list[str]:
    """Parameters of other steps that enter a loop, besides the list it runs over.

    kfp.local silently replaces each of them by the loop item.
    """
    result = []
    for dag in dags(ir):
        for name, task in dag["tasks"].items():
            if "parameterIterator" not in task:
                continue
            items = task["parameterIterator"]["items"]["inputParameter"]
            for key, value in task.get("inputs", {}).get("parameters", {}).items():
                if "taskOutputParameter" in value and key != items:
                    result.append(f"{name}: {key}")
    return result


def test_no_upstream_parameter_enters_a_loop(irs: dict[str, Node]) -> None:
    loops = {"crossval": 1, "search": 0, "compare": 2, "retrain": 4}
    for name, ir in irs.items():
        result = [t for d in dags(ir) for t in d["tasks"].values() if "parameterIterator" in t]
        assert len(result) == loops[name]
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
    bodies = [
        ir["components"][task["componentRef"]["name"]]["dag"]
        for dag in dags(ir)
        for task in dag["tasks"].values()
        if "parameterIterator" in task
    ]
    assert not any("parameterIterator" in t for dag in bodies for t in dag["tasks"].values())


def test_the_loop_runs_at_the_width_of_the_profile(
    compiled: dict[str, dict[str, Path]],
) -> None:
    for profile, paths in compiled.items():
        ir, _ = documents(paths["crossval"])
        loops = [t for d in dags(ir) for t in d["tasks"].values() if "parameterIterator" in t]
        widths = {loop["iteratorPolicy"]["parallelismLimit"] for loop in loops}
        loaded = profiles.load(profile)
        assert widths == {loaded.width, loaded.search_workers} - {1}


def test_no_hyper_parameter_is_in_a_dag(irs: dict[str, Node]) -> None:
    common = {"recipe"}
    for name, ir in irs.items():
        rival = {"rival"} if name == "compare" else set()
        assert set(ir["root"]["inputDefinitions"]["parameters"]) == common | rival


def containers(ir: Node) -> dict[str, Node]:
    executors = ir["deploymentSpec"]["executors"]
    return {name.removeprefix("exec-"): e["container"] for name, e in executors.items()}


def component(task: str) -> str:
    """Kubernetes names the second use of a component `NAME-2`."""
    return NUMBER.sub("", task)


def test_every_step_is_one_of_ours_in_the_given_image(irs: dict[str, Node]) -> None:
    for name, ir in irs.items():
        assert {component(task) for task in containers(ir)} == STEPS[name]
        assert {c["image"] for c in containers(ir).values()} == {IMAGE}
        assert not any("pip install" in " ".join(c["command"]) for c in containers(ir).values())


def test_heavy_steps_ask_for_a_gpu_and_light_ones_for_none(ir: Node) -> None:
    for name, container in containers(ir).items():
        accelerator = container["resources"].get("accelerator", {})
        asked = (accelerator.get("resourceType"), accelerator.get("resourceCount"))
        heavy = component(name) in HEAVY
        assert asked == (("nvidia.com/gpu", "1") if heavy else (None, None)), name
        assert container["resources"]["resourceMemoryLimit"], name


def test_steps_with_a_gpu_get_its_nodes_shared_memory_and_time(
    compiled: dict[str, dict[str, Path]],
) -> None:
    _, platform = documents(compiled["gpu-pool"]["retrain"])
    for name, asked in platform.items():
        heavy = component(name.removeprefix("exec-")) in HEAVY
        assert ("tolerations" in asked) == ("nodeSelector" in asked) == heavy, name
        assert int(asked["activeDeadlineSeconds"]) >= 14400
        if heavy:
            (volume,) = asked["emptyDirMounts"]
            assert (volume["medium"], volume["mountPath"]) == ("Memory", "/dev/shm")


def test_secrets_are_named_and_never_held(compiled: dict[str, dict[str, Path]]) -> None:
    _, platform = documents(compiled["gpu"]["crossval"])
    for name, asked in platform.items():
        variables = {
            pair["envVar"]: (secret["secretName"], pair["secretKey"])
            for secret in asked["secretAsEnv"]
            for pair in secret["keyToEnv"]
        }
        assert variables["MLFLOW_TRACKING_URI"] == ("mtlser-mlflow", "uri"), name


OF_S3 = {f"MTLSER_S3_{name}" for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "ENDPOINT_URL")}
READ_S3 = {
    "prepare", "ingest", "check-data", "fold-split", *MEASURE, "search-worker", "train",
    "report-outcome",
}  # fmt: skip
POST = {"register", "promote", "report-outcome"}


@pytest.mark.parametrize("profile", ["cpu", "gpu", "gpu-pool", "gpu-search"])
def test_a_step_gets_only_the_secrets_that_it_uses(
    profile: str, compiled: dict[str, dict[str, Path]]
) -> None:
    seen = set()
    for path in compiled[profile].values():
        _, platform = documents(path)
        for name, asked in platform.items():
            step = component(name.removeprefix("exec-"))
            variables = {
                pair["envVar"] for secret in asked["secretAsEnv"] for pair in secret["keyToEnv"]
            }
            expected = {"MLFLOW_TRACKING_URI"}
            expected |= OF_S3 if step in READ_S3 else set()
            expected |= {"MTLSER_WEBHOOK"} if step in POST else set()
            if profile == "gpu-search" and step in {"search", "search-worker"}:
                expected |= {"MTLSER_SEARCH_STORE"}
            assert variables == expected, name
            seen.add(step)
    assert seen - {"search-worker"} == set().union(*STEPS.values())


def test_a_training_has_one_process_a_gpu(compiled: dict[str, dict[str, Path]]) -> None:
    for profile, expected in (("cpu", 1), ("gpu", 1), ("gpu-pool", 4)):
        ir, _ = documents(compiled[profile]["retrain"])
        trains = {"evaluate", "train"}
        tasks = [t for d in dags(ir) for n, t in d["tasks"].items() if component(n) in trains]
        assert len(tasks) == 7
        for task in tasks:
            given = task["inputs"]["parameters"]["processes"]
            assert given["runtimeValue"]["constant"] == expected


def test_the_cpu_profile_asks_for_no_gpu(compiled: dict[str, dict[str, Path]]) -> None:
    text = compiled["cpu"]["crossval"].read_text(encoding="utf-8")
    assert "accelerator" not in text and "tolerations" not in text
    assert "resourceCpuRequest" in text


def test_every_step_retries_with_back_off_and_what_looks_outside_is_not_cached(
    irs: dict[str, Node],
) -> None:
    for ir in irs.values():
        for name, task in leaves(ir):
            policy = task["retryPolicy"]
            assert (policy["maxRetryCount"], policy["backoffFactor"]) == (2, 2.0), name
            # Argo ends all retries so long after the step's first start: attempts, pauses, queues.
            timeout_s = profiles.load("gpu").of(component(name).replace("-", "_")).timeout_s
            attempts_s, pauses_s = 3 * timeout_s, 60 + 120
            assert seconds(policy["backoffMaxDuration"]) > 10 * (attempts_s + pauses_s), name
            cached = component(name) not in UNCACHED
            assert task["cachingOptions"] == ({"enableCache": True} if cached else {}), name


def seconds(duration: str) -> int:
    """Of a duration as JSON has it, such as `60s`."""
    return int(duration.removesuffix("s"))


def leaves(ir: Node) -> list[tuple[str, Node]]:
    """Tasks that run a container."""
    return [
        (name, task)
        for dag in dags(ir)
        for name, task in dag["tasks"].items()
        if "executorLabel" in ir["components"][task["componentRef"]["name"]]
    ]


def test_no_parameter_changes_without_changing_a_result(ir: Node) -> None:
    """Kubeflow reuses a step only where all its parameters are the same."""
    for name, task in leaves(ir):
        given = task.get("inputs", {}).get("parameters", {})
        constants = [str(each.get("runtimeValue", {}).get("constant")) for each in given.values()]
        assert not any("{{$" in each for each in constants), name
        assert given.keys().isdisjoint({"run", "job", "work"}), name


def test_a_step_gets_only_its_part_of_the_recipe(irs: dict[str, Node]) -> None:
    parts = {"ingest": "reading", "fold-split": "splitting", "search": "measuring"}
    for name, task in leaves(irs["search"]):
        if name in parts:
            source = task["inputs"]["parameters"]["recipe"]["taskOutputParameter"]
            assert source == {"outputParameterKey": parts[name], "producerTask": "prepare"}


def test_dags_share_what_is_reused(irs: dict[str, Node]) -> None:
    """Kubeflow looks for a finished step among those of pipelines of one name."""
    assert {ir["pipelineInfo"]["name"] for ir in irs.values()} == {"mtlser"}
    for step in ("ingest", "fold-split", "search"):
        assert len({str(keyed(containers(ir)[step])) for ir in irs.values()}) == 1


def keyed(container: Node) -> Node:
    """What of a container is part of Kubeflow's key; variables are not."""
    return {name: value for name, value in container.items() if name != "env"}


def test_the_search_of_a_dag_with_loops_knows_how_many_cells_fit(irs: dict[str, Node]) -> None:
    for name, ir in irs.items():
        for step, container in containers(ir).items():
            given = {each["name"]: each["value"] for each in container["env"]}
            most = int(given.get("MTLSER_MOST_CELLS", 0))
            assert (most > 40) == (component(step) == "search" and DAGS[name].loops > 0), step


def test_every_step_knows_its_run(compiled: dict[str, dict[str, Path]]) -> None:
    for dag in NAMES:
        _, platform = documents(compiled["cpu"][dag])
        for name, asked in platform.items():
            (variable,) = asked["fieldPathAsEnv"]
            assert variable["name"] == "MTLSER_RUN", name
            assert variable["fieldPath"] == "metadata.labels['pipeline/runid']"


def test_the_outcome_is_told_whatever_became_of_the_steps(ir: Node) -> None:
    root = ir["root"]["dag"]["tasks"]
    assert set(root) == {"exit-handler-1", "report-outcome"}
    outcome = root["report-outcome"]
    assert outcome["triggerPolicy"]["strategy"] == "ALL_UPSTREAM_TASKS_COMPLETED"
    assert outcome["dependentTasks"] == ["exit-handler-1"]


def test_scores_reach_the_ui_as_artifacts(irs: dict[str, Node]) -> None:
    outputs = irs["crossval"]["components"]["comp-report"]["outputDefinitions"]["artifacts"]
    assert {name: a["artifactType"]["schemaTitle"] for name, a in outputs.items()} == {
        "reported": "system.Artifact",
        "metrics": "system.Metrics",
        "confusion": "system.ClassificationMetrics",
        "page": "system.HTML",
    }


def test_unknown_dag_profile_and_file_as_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MtlserError, match="one of cpu, gpu, gpu-pool, gpu-search, or a path"):
        compiling.write(tmp_path, IMAGE, "tpu")
    with pytest.raises(MtlserError, match="expected one of crossval, search, compare, retrain"):
        compiling.package("nonsense", tmp_path, IMAGE)
    (tmp_path / "file").touch()
    with pytest.raises(MtlserError, match="is a file"):
        compiling.write(tmp_path / "file", IMAGE)


def test_a_profile_says_where_the_audio_of_all_corpora_lies(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('clips = "s3://speech/clips"')
    path = compiling.package("search", tmp_path / "out", IMAGE, str(tmp_path / "own.toml"))
    ir = documents(path)[0]
    named = {
        name
        for name, container in containers(ir).items()
        if {"name": "MTLSER_CLIPS", "value": "s3://speech/clips"} in container.get("env", [])
    }
    assert named == {"ingest"}
