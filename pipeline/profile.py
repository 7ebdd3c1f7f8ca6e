"""Where a DAG runs: what each step asks for. Nothing here changes a result."""

from dataclasses import dataclass, field

from kfp import dsl


@dataclass(frozen=True)
class Step:
    """What one step asks of the cluster; empty text asks for nothing."""

    cpu: str = ""
    memory: str = ""
    accelerator: str = ""
    """Kubernetes resource name, for example `nvidia.com/gpu`; one is asked for."""


@dataclass(frozen=True)
class Profile:
    """Resources, retries and loop width of one kind of place."""

    light: Step = Step()
    """Steps that read, score and register."""
    heavy: Step = Step()
    """Steps that train or predict."""
    retries: int = 0
    backoff_s: int = 60
    """Pause before the first retry; doubles each time, up to ten minutes."""
    width: int = 2
    """Cells side by side."""
    loop_environment: dict[str, str] = field(default_factory=dict)
    """Environment of the steps in the loop."""

    def apply(self, task: dsl.PipelineTask, *, heavy: bool, cached: bool = True) -> None:
        """Sets requests, retries and caching of `task`."""
        step = self.heavy if heavy else self.light
        if step.cpu:
            task.set_cpu_request(step.cpu)
        if step.memory:
            task.set_memory_request(step.memory).set_memory_limit(step.memory)
        if step.accelerator:
            task.set_accelerator_type(step.accelerator).set_accelerator_limit("1")
        if self.retries:
            task.set_retry(
                self.retries,
                backoff_duration=f"{self.backoff_s}s",
                backoff_factor=2.0,
                backoff_max_duration="600s",
            )
        task.set_caching_options(cached)


CPU = Profile(
    light=Step(cpu="1", memory="4Gi"), heavy=Step(cpu="4", memory="16Gi"), retries=2, width=10
)
GPU = Profile(
    light=Step(cpu="1", memory="4Gi"),
    heavy=Step(cpu="4", memory="16Gi", accelerator="nvidia.com/gpu"),
    retries=2,
    width=10,
)
CLUSTERS = {"cpu": CPU, "gpu": GPU}
"""Profiles of a cluster, by the name that `compile --profile` takes."""

LOCAL_WIDTH = 2
"""kfp.local runs at most two loop iterations at a time, whatever it is asked for."""


def local(cores: int) -> Profile:
    """The profile of this machine: no requests, no retries, cores shared by the loop's steps.

    A step that fails here fails for a reason that a retry does not cure, and would fail slower.

    >>> local(8).loop_environment["OMP_NUM_THREADS"]
    '4'
    """
    threads = str(max(1, cores // LOCAL_WIDTH))
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return Profile(width=LOCAL_WIDTH, loop_environment=dict.fromkeys(names, threads))
