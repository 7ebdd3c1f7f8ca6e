"""Where a DAG runs: what each step asks for, as a TOML file. Nothing here changes a result."""

import tomllib
from pathlib import Path
from typing import Any, Literal, Self

from kfp import dsl
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from components.surroundings import CLIPS_VARIABLE, WORK_VARIABLE
from mtlser.errors import MtlserError
from mtlser.files import read_text
from mtlser.runtime import ATTEMPT_S, PAUSE_S, RETRIES, SEARCH_STORE
from mtlser.tracking import RUN_VARIABLE

FOLDER = Path(__file__).parents[2] / "infra" / "profiles"
"""The profiles that ship with a checkout."""
STEPS = frozenset(
    {
        *("prepare", "ingest", "fold_split", "search", "search_worker", "baselines"),
        *("evaluate", "train", "report"),
        *("register", "check_data", "promote", "compare", "report_outcome"),
    }
)
STORED = ("search", "search_worker")
"""Steps that find a search's list of trainings in a database, where several pods share it."""
STAGES = {"evaluate": 2}
"""How many stages a step runs one after the other, where that is more than one."""
SHARED_MEMORY = "/dev/shm"
RUN_LABEL = "metadata.labels['pipeline/runid']"
"""Where each pod has the id of the run; as a parameter it would keep any step from being reused."""
STEP_LABEL = "mtlser.io/step"
"""Of each pod, with the step's component: the policy in infra/kustomize/admission goes by it."""
DISK, PRIORITY = "mtlser.io/disk", "mtlser.io/priority-class"
"""Annotations that it reads: Kubeflow has no key for ephemeral storage or a priority class."""
RETRIED_S = 365 * 24 * 3600
"""Longer than any step. KFP calls it the longest duration of the back-off and compiles it to Argo's
`retryStrategy.backoff.maxDuration`, which is none of one pause: it bounds the whole step from its
first start, waiting for a node included, and kills the attempt that it ends in."""
AROUND_S = 1800
"""For what Kubeflow does in a pod around a step: fetching its inputs, and storing its outputs."""
LOCAL_WIDTH = 2
"""kfp.local runs at most two loop iterations at a time, whatever it is asked for."""
QUANTITY = r"^$|^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$"


class Section(BaseModel):
    """One table of a profile."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Step(Section):
    """What one step asks the cluster for; empty text and 0 ask for nothing."""

    cpu: str = Field("", pattern=QUANTITY)
    """Processors, as a Kubernetes quantity."""
    memory: str = Field("", pattern=QUANTITY)
    """Request and limit."""
    gpus: int = Field(0, ge=0)
    """GPUs of one node; `train` runs one process on each."""
    gpu: str = "nvidia.com/gpu"
    """Kubernetes' name of the resource."""
    shm: str = Field("", pattern=QUANTITY)
    """Size of a memory-backed `/dev/shm`, which counts as the step's memory."""
    disk: str = Field("", pattern=QUANTITY)
    """Of the node, requested and the most; set by the admission policy, see `DISK`."""
    timeout_s: int = Field(0, ge=0)
    """After which an attempt at a stage of it is ended, and tried again as `Retry` says."""


class Retry(Section):
    """How often a step is tried again: after a crash in its own pod, in another where that is lost.

    Who tries again after what is told in docs/kubeflow-tested.md.
    """

    count: int = Field(0, ge=0)
    """Of each of the two."""
    backoff_s: int = Field(60, ge=0)
    """Pause before the first retry; doubles each time."""

    def deadline_s(self, timeout_s: int) -> int:
        """Seconds after which a pod is killed in which attempts of `timeout_s` are made."""
        pauses_s = self.backoff_s * (2**self.count - 1) if self.count else 0
        return (self.count + 1) * timeout_s + pauses_s + AROUND_S

    def environment(self, timeout_s: int) -> dict[str, str]:
        """What tells a step how often and how long it is to try."""
        values = {RETRIES: self.count, PAUSE_S: self.backoff_s, ATTEMPT_S: timeout_s}
        return {name: str(value) for name, value in values.items()} if self.count else {}


class Toleration(Section):
    """A taint of GPU nodes that their steps put up with."""

    key: str
    operator: Literal["Equal", "Exists"] = "Exists"
    value: str | None = None
    effect: Literal["NoExecute", "NoSchedule", "PreferNoSchedule"] | None = None


class Variable(Section):
    """An environment variable from a key of a Kubernetes Secret or ConfigMap."""

    name: str
    key: str
    variable: str
    optional: bool = False
    """Whether a step starts without it."""
    steps: tuple[str, ...] = ()
    """The components whose steps get it; empty: all."""

    @field_validator("steps")
    @classmethod
    def _known(cls, steps: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(steps) - STEPS)
        if unknown:
            raise ValueError(f"no such step: {', '.join(unknown)}; {', '.join(sorted(STEPS))} are")
        return steps

    def is_for(self, component: str) -> bool:
        """Whether the steps of a component get it."""
        return not self.steps or component in self.steps


class Profile(Section):
    """Resources, retries, secrets and loop width of one kind of place."""

    description: str = ""
    width: int = Field(2, ge=1)
    """Cells side by side."""
    search_workers: int = Field(1, ge=1)
    """Pods that a search is shared by; above 1 they need a database, see `STORED`."""
    work: str = Field("", pattern=r"^$|^s3://.+")
    """Where steps keep checkpoints, below the run's id; empty: beside the run's artifacts."""
    clips: str = Field("", pattern=r"^$|^s3://.+")
    """Where `ingest` puts the audio, which each step fetches as it reads it.

    Empty: into its output, which Kubeflow copies to each step whole."""
    retry: Retry = Retry()
    step: Step = Step()
    """Every step, where `steps` says nothing else."""
    steps: dict[str, Step] = {}
    """By component."""
    node_selector: dict[str, str] = {}
    """Labels of the nodes for steps that ask for a GPU."""
    tolerations: tuple[Toleration, ...] = ()
    environment: dict[str, str] = {}
    """Plain variables of every step."""
    loop_environment: dict[str, str] = {}
    """Plain variables of the steps in the loop."""
    secrets: tuple[Variable, ...] = ()
    config_maps: tuple[Variable, ...] = ()
    pull_secrets: tuple[str, ...] = ()
    pull_policy: Literal["", "Always", "IfNotPresent", "Never"] = ""
    labels: dict[str, str] = {}
    """Of every step's pod; a cluster's admission rules may read them."""
    annotations: dict[str, str] = {}
    """Of every step's pod."""
    priority_class: str = ""
    """Of every step's pod; set by the admission policy, see `PRIORITY`."""
    run_as_user: int | None = None
    """User id of every step, where the cluster wants it said; the image's own is 10001."""

    @model_validator(mode="after")
    def _shared(self) -> Self:
        for step in STORED if self.search_workers > 1 else ():
            if not any(v.variable == SEARCH_STORE and v.is_for(step) for v in self.secrets):
                raise ValueError(
                    f"search_workers = {self.search_workers}, and no secret gives {step!r} the "
                    f"variable {SEARCH_STORE}: a [[secrets]] with the address of a database that "
                    "the workers share; or search_workers = 1"
                )
        return self

    def of(self, component: str) -> Step:
        """What the steps of one component ask for."""
        return self.steps.get(component, self.step)

    def apply(self, task: dsl.PipelineTask, component: str, *, cached: bool) -> None:
        """Sets what `task` asks for, its environment, retries and caching."""
        step = self.of(component)
        if step.cpu:
            task.set_cpu_request(step.cpu)
        if step.memory:
            task.set_memory_request(step.memory).set_memory_limit(step.memory)
        if step.gpus:
            task.set_accelerator_type(step.gpu).set_accelerator_limit(str(step.gpus))
        if self.retry.count:
            task.set_retry(
                self.retry.count,
                backoff_duration=f"{self.retry.backoff_s}s",
                backoff_factor=2.0,
                backoff_max_duration=f"{RETRIED_S}s",
            )
        attempts = self.retry.environment(step.timeout_s)
        for name, value in {**self.environment, **attempts}.items():
            task.set_env_variable(name, value)
        if self.work:
            task.set_env_variable(WORK_VARIABLE, self.work)
        if self.clips and component == "ingest":
            task.set_env_variable(CLIPS_VARIABLE, self.clips)
        task.set_caching_options(cached)
        self._apply_variables(task, component)
        self._apply_kubernetes(task, component, step)

    def _apply_variables(self, task: dsl.PipelineTask, component: str) -> None:
        from kfp import kubernetes

        kubernetes.use_field_path_as_env(task, RUN_VARIABLE, RUN_LABEL)
        for kind, variables in (
            (kubernetes.use_secret_as_env, self.secrets),
            (kubernetes.use_config_map_as_env, self.config_maps),
        ):
            for each in variables:
                if each.is_for(component):
                    kind(task, each.name, {each.key: each.variable}, optional=each.optional)

    def _apply_kubernetes(self, task: dsl.PipelineTask, component: str, step: Step) -> None:
        from kfp import kubernetes

        if step.gpus:
            for label, value in self.node_selector.items():
                kubernetes.add_node_selector(task, label, value)
            for toleration in self.tolerations:
                kubernetes.add_toleration(task, **toleration.model_dump())
        if step.shm:
            kubernetes.empty_dir_mount(task, "shm", SHARED_MEMORY, "Memory", step.shm)
        if step.timeout_s:
            stages = STAGES.get(component, 1)
            kubernetes.set_timeout(task, stages * self.retry.deadline_s(step.timeout_s))
        for label, value in {**self.labels, STEP_LABEL: component}.items():
            kubernetes.add_pod_label(task, label, value)
        asked = {DISK: step.disk, PRIORITY: self.priority_class}
        own = {name: value for name, value in asked.items() if value}
        for annotation, value in {**self.annotations, **own}.items():
            kubernetes.add_pod_annotation(task, annotation, value)
        if self.pull_secrets:
            kubernetes.set_image_pull_secrets(task, list(self.pull_secrets))
        if self.pull_policy:
            kubernetes.set_image_pull_policy(task, self.pull_policy)
        if self.run_as_user is not None:
            kubernetes.set_security_context(
                task, run_as_user=self.run_as_user, run_as_non_root=self.run_as_user != 0
            )


def names() -> list[str]:
    """The profiles that ship with a checkout."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(source: str) -> Profile:
    """The profile that `source` names: a shipped one, or a path to a TOML file.

    A `[steps.NAME]` table starts from `[step]`.

    Raises:
        MtlserError: no such profile, not TOML, an unknown key or step, or a bad value.
    """
    shipped = FOLDER / f"{source}.toml"
    path = shipped if shipped.is_file() else Path(source)
    if not path.is_file():
        raise MtlserError(
            f"--profile {source!r}: expected one of {', '.join(names())}, or a path to a .toml "
            "file, for example `mtlser-pipeline compile --profile gpu --out build/pipelines`"
        )
    try:
        content = tomllib.loads(read_text(path))
        return Profile.model_validate(_inherited(content))
    except tomllib.TOMLDecodeError as error:
        raise MtlserError(f"profile {path}: not TOML: {error}; see infra/profiles") from None
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"]))
        raise MtlserError(
            f"profile {path}: {place}: {problem['msg']}; allowed keys are told in "
            "pipeline/dags/profile.py, examples are in infra/profiles"
        ) from None


def _inherited(content: dict[str, Any]) -> dict[str, Any]:
    steps, common = content.get("steps", {}), content.get("step", {})
    if not isinstance(steps, dict) or not isinstance(common, dict):
        return content
    unknown = sorted(set(steps) - STEPS)
    if unknown:
        raise MtlserError(
            f"profile: [steps.{unknown[0]}]: no such step; expected one of "
            f"{', '.join(sorted(STEPS))}"
        )
    whole = {name: {**common, **table} for name, table in steps.items() if isinstance(table, dict)}
    return {**content, "steps": {**steps, **whole}}


def local(cores: int) -> Profile:
    """The profile of this machine: no requests, no retries, cores shared by the loop's steps.

    A step that fails here fails for a reason that a retry does not cure, and would fail slower.

    >>> local(8).loop_environment["OMP_NUM_THREADS"]
    '4'
    """
    threads = str(max(1, cores // LOCAL_WIDTH))
    variables = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return Profile(width=LOCAL_WIDTH, loop_environment=dict.fromkeys(variables, threads))
