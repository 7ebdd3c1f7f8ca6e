"""Argo's nodes behind Kubeflow's tasks, as a run on Kubeflow Pipelines 2.17.0 had them."""

from types import SimpleNamespace
from typing import Any

from pipeline.server.nodes import executors

WORKFLOW = "search-jcxld"
NAMES = (
    "executor executor(0) exit-handler-1 exit-handler-1(0) exit-handler-1-driver "
    "exit-handler-1-driver(0) exit-handler-1.onExit exit-handler-1.onExit(0) fold-split "
    "fold-split(0) fold-split-driver fold-split-driver(0) ingest ingest(0) ingest-driver "
    "ingest-driver(0) report-outcome report-outcome(0) report-outcome-driver "
    "report-outcome-driver(0) root root(0) root-driver root-driver(0) search search(0) "
    "search-driver search-driver(0) search-jcxld search-jcxld(0) search-steps search-steps(0) "
    "search-steps-driver search-steps-driver(0) "
)
CHILDREN = (
    "70848048 989125216 1012922887 1077130307 1098616361 1119972416 1150231329 1179185772 "
    "1203072626 1204475894 1208245865 1298889839 1310067579 1337057511 1494673177 1524895388 "
    "1534111267 1550810522 1633214012 1844974039 1882200938 1977005303 2151875579 2202786525 "
    "2384560398 2479626569 2557812718 2914902404 2920721018 2948146550 2980925293 3134197178 "
    "3597291325 3623135517 3716880400 3729815506 3762993584 3818784674 4119465801 "
)


def details(names: list[str], children: list[str]) -> list[Any]:
    """Tasks; which one has which child is not looked at."""
    ids = [SimpleNamespace(pod_name=f"{WORKFLOW}-{number}") for number in children]
    tasks = [SimpleNamespace(display_name=name, child_tasks=None) for name in names]
    return [*tasks, SimpleNamespace(display_name=None, child_tasks=ids)]


def test_the_node_of_each_step_is_the_one_that_argo_ran() -> None:
    assert executors(details(NAMES.split(), CHILDREN.split())) == {
        "fold-split": (f"{WORKFLOW}-1844974039",),
        "ingest": (f"{WORKFLOW}-3623135517",),
        "report-outcome": (f"{WORKFLOW}-2948146550",),
        "search": (f"{WORKFLOW}-1150231329",),
    }


def test_a_step_whose_node_no_other_node_names_has_none() -> None:
    fewer = [number for number in CHILDREN.split() if number != "1150231329"]
    found = executors(details(NAMES.split(), fewer))
    assert found["search"] != (f"{WORKFLOW}-1150231329",)
    assert executors([]) == {}
