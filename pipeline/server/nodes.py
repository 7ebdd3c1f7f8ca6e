"""Which of Argo's nodes ran a step: Kubeflow's API lists a run's nodes, but not which one is whose.

The API tells of each node its display name and the ids of its children, not its own id. An id is
the workflow's name and the FNV-1a hash (32 bits) of the node's whole name, the path of display
names from the workflow to the node; see `NodeID` in Argo Workflows 4.0, workflow/util/util.go. So
paths are tried, from the workflow down, and those whose id some node names as a child are real.
"""

import re
from collections.abc import Sequence
from typing import Any

ATTEMPTS = 20
"""Attempts at a node that are looked for."""
FNV_BASIS, FNV_PRIME = 0x811C9DC5, 0x01000193


def fnv1a(text: str) -> int:
    """FNV-1a of a text's UTF-8 bytes, 32 bits.

    >>> hex(fnv1a("foobar"))
    '0xbf9cf968'
    """
    value = FNV_BASIS
    for byte in text.encode():
        value = (value ^ byte) * FNV_PRIME & 0xFFFFFFFF
    return value


def executors(details: Sequence[Any]) -> dict[str, tuple[str, ...]]:
    """Ids of the nodes that ran each step's container, by the step's display name.

    Of two steps of one name both have the ids of both. A node's id stands for its pod where
    Kubeflow is asked for a log.

    Args:
        details: the tasks of a run, as Kubeflow's API lists them.
    """
    children = {
        child.pod_name for each in details for child in each.child_tasks or [] if child.pod_name
    }
    names = {each.display_name for each in details if each.display_name}
    found: dict[str, list[str]] = {}
    for workflow in sorted({node.rpartition("-")[0] for node in children}):
        known = _paths(workflow, names, children)
        for path, node in known.items():
            step = re.fullmatch(r"(?:.*\.)?([^.]+?)(?:\(\d+\))?\.executor(?:\(\d+\))?", path)
            again = f"{path}(0)" in known  # the attempts are nodes of their own
            if step and not again:
                found.setdefault(step[1], []).append(node)
    return {name: tuple(nodes) for name, nodes in found.items()}


def _paths(workflow: str, names: set[str], children: set[str]) -> dict[str, str]:
    """Ids of nodes by their whole names."""
    ends = [f"({number})" for number in range(ATTEMPTS)]
    ends += sorted(f".{name}" for name in names if not name.endswith(")"))
    found: dict[str, str] = {}
    waiting = [workflow]
    while waiting:
        path = waiting.pop()
        for end in ends:
            node = f"{workflow}-{fnv1a(path + end)}"
            if node in children and path + end not in found:
                found[path + end] = node
                waiting.append(path + end)
    return dict(sorted(found.items()))
