"""What a cost is measured of, quickly."""

from mtlser.evaluation.cost.cost_records import Cost
from mtlser.evaluation.cost.profiling import Effort

QUICK = Effort(warmup=1, runs=3, fewest=2, seconds=0.1)


def made_up(system: str, measured: str, p50_s: float) -> Cost:
    return Cost.model_validate(
        {
            "system": system,
            "about": "made up",
            "parameters": 5,
            "trainable": 3,
            "operations": [
                {"clip_s": 1.0, "multiply_adds": 7, "flops": 14},
                {"clip_s": 3.6, "multiply_adds": 21, "flops": 42},
            ],
            "uncounted": [],
            "latency": {"clip_s": 3.6, "runs": 9, "p50_s": p50_s, "p95_s": 0.4},
            "throughput": {
                "clip_s": 3.6,
                "batch": 8,
                "runs": 9,
                "clips_per_s": 10.0,
                "audio_s_per_s": 36.0,
            },
            "memory": {"loaded": 1, "peak": 2_500_000},
            "machine": {
                "cpu": "Chip",
                "cores": 2,
                "threads": 1,
                "device": "cpu",
                "torch": "2",
                "python": "3",
            },
            "measured": measured,
        }
    )
