"""What a search of 1,210 trainings takes on many pods, simulated: from a list, in shares, as tasks.

Pods start in 40 s; a training takes 30 minutes in the median (log-normal, sigma 0.5) and keeps a
checkpoint every five; 2 % of the pods are lost, at some moment of their first hour, and started
again. `make bench BENCH=widths` prints a table, means of five seeds, and one line of JSON.

    list     a pod takes the next training until none is left; what a lost one had is taken by
             another after 90 s, from its checkpoint
    shares   a pod has its share of the trainings from the start, and goes on with it after a loss
    tasks    a pod for each training, as a loop of Kubeflow has it, from its checkpoint after a loss
    once     as tasks, without checkpoints: a training whose pod is lost begins again
"""

import heapq
import json
import random
from collections import deque
from dataclasses import dataclass
from statistics import fmean

TRAININGS, MEDIAN_S, SIGMA = 1210, 1800.0, 0.5
START_S, CHECKPOINT_S, GRACE_S = 40.0, 300.0, 90.0
LOST, WITHIN_S = 0.02, 3600.0
STRATEGIES, WIDTHS, SEEDS = ("list", "shares", "tasks", "once"), (1, 8, 64, 512), 5


@dataclass(frozen=True)
class Cost:
    """Of one search, hours."""

    wall_h: float
    gpu_h: float
    """That pods held a GPU, their start included."""
    again_h: float
    """Of work that was done twice."""


class Search:
    """One search on so many pods."""

    def __init__(self, strategy: str, width: int, seed: int) -> None:
        self.strategy = strategy
        self.random = random.Random(seed)
        lengths = [MEDIAN_S * self.random.lognormvariate(0.0, SIGMA) for _ in range(TRAININGS)]
        shared = deque(lengths)
        own = strategy == "shares"
        self.queues = [deque(lengths[pod::width]) if own else shared for pod in range(width)]
        self.later: list[tuple[float, float]] = []
        """When a lost pod's training may be taken, and what is left of it."""
        self.free = [(0.0, pod, *self._pod(0.0)) for pod in range(width)]
        """When a pod is free, its number, when it is ready, when it is lost."""
        self.wall_s = self.held_s = self.again_s = 0.0

    def _pod(self, now_s: float) -> tuple[float, float]:
        """When a pod that is started now is ready, and when it is lost."""
        ready_s = now_s + START_S
        lost = self.random.random() < LOST
        return ready_s, ready_s + self.random.random() * WITHIN_S if lost else float("inf")

    def run(self) -> Cost:
        """What it took."""
        heapq.heapify(self.free)
        while self.free:
            now_s, pod, ready_s, lost_s = heapq.heappop(self.free)
            queue = self.queues[pod]
            while self.later and self.later[0][0] <= now_s:
                queue.append(heapq.heappop(self.later)[1])
            if queue:
                fresh = self.strategy in {"tasks", "once"}
                self._train(now_s, pod, *(self._pod(now_s) if fresh else (ready_s, lost_s)))
            elif self.later:
                heapq.heappush(self.free, (self.later[0][0], pod, ready_s, lost_s))
        return Cost(self.wall_s / 3600, self.held_s / 3600, self.again_s / 3600)

    def _train(self, now_s: float, pod: int, ready_s: float, lost_s: float) -> None:
        queue = self.queues[pod]
        left_s = queue.popleft()
        begins_s = max(now_s, ready_s)
        ends_s = min(begins_s + left_s, max(begins_s, lost_s))
        if ends_s < begins_s + left_s:
            done_s = ends_s - begins_s
            kept_s = 0.0 if self.strategy == "once" else done_s - done_s % CHECKPOINT_S
            self.again_s += done_s - kept_s
            if self.strategy == "list":
                heapq.heappush(self.later, (ends_s + GRACE_S, left_s - kept_s))
            else:
                queue.appendleft(left_s - kept_s)
            ready_s, lost_s = self._pod(ends_s)
        self.held_s += ends_s - now_s
        self.wall_s = max(self.wall_s, ends_s)
        heapq.heappush(self.free, (ends_s, pod, ready_s, lost_s))


def main() -> None:
    """Prints the figures."""
    print("| pods | strategy | wall, h | GPU, h | done twice, h |\n|---|---|---|---|---|")
    found = {}
    for width in WIDTHS:
        for strategy in STRATEGIES:
            costs = [Search(strategy, width, seed).run() for seed in range(SEEDS)]
            wall, gpu, again = (
                fmean(values)
                for values in zip(*((c.wall_h, c.gpu_h, c.again_h) for c in costs), strict=True)
            )
            print(f"| {width} | {strategy} | {wall:.1f} | {gpu:.0f} | {again:.1f} |")
            found[f"{strategy}_{width}"] = round(wall, 2)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
