"""transformers' Trainer on the benchmarks' clips: the published recipe, and one that is tuned."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import Trainer, TrainerCallback, TrainingArguments

from benchmarks import common
from mtlser.training.optimisation import cpu_multiplies_bf16


def arguments(recipe: str, folder: Path, steps: int, batch: int | None = None) -> TrainingArguments:
    """The settings of a system.

    Args:
        recipe: `paper` or `tuned`; on a GPU also `compiled`, as `tuned` with torch.compile.
        folder: for what the Trainer writes.
        steps: optimiser steps.
        batch: utterances of a step on a GPU; `None`: on the CPU, `common.BATCH`.
    """
    shared: dict[str, Any] = {
        "output_dir": str(folder),
        "max_steps": steps,
        "learning_rate": common.LEARNING_RATE,
        "lr_scheduler_type": "constant",
        "optim": "adamw_torch",
        "save_strategy": "no",
        "logging_strategy": "no",
        "report_to": [],
        "use_cpu": batch is None,
        "remove_unused_columns": False,
        "disable_tqdm": True,
        "dataloader_num_workers": 0,
    }
    if recipe == "paper":
        return TrainingArguments(
            per_device_train_batch_size=2,
            gradient_accumulation_steps=4,
            gradient_checkpointing=True,
            gradient_checkpointing_kwargs={"use_reentrant": False},
            **shared,
        )
    if batch is not None:
        return TrainingArguments(
            per_device_train_batch_size=batch,
            bf16=True,
            torch_compile=recipe == "compiled",
            **(shared | {"optim": "adamw_torch_fused"}),
        )
    # Eight of the longest clips at once, 160 s with their padding, do not fit into 24 GB.
    return TrainingArguments(
        per_device_train_batch_size=common.BATCH // 2,
        gradient_accumulation_steps=2,
        bf16=cpu_multiplies_bf16(),
        **shared,
    )


class _Clock(TrainerCallback):
    """Wall time of each optimiser step, the data loader's share included.

    Between steps, with the clock at rest, it does what `between` says with the step's number.
    """

    def __init__(self, between: Callable[[int], None]) -> None:
        self.seconds: list[float] = []
        self.between = between
        self.start = 0.0

    def on_train_begin(self, *_args: Any, **_kwargs: Any) -> None:
        """Starts the clock."""
        self.start = time.perf_counter()

    def on_step_end(self, *_args: Any, **_kwargs: Any) -> None:
        """Ends a step and begins the next."""
        self.seconds.append(time.perf_counter() - self.start)
        self.between(len(self.seconds) - 1)
        self.start = time.perf_counter()


class _InOrder(Trainer):
    """A Trainer that takes the clips in the order given, so that all systems see the same."""

    def _get_train_sampler(self, *_args: Any, **_kwargs: Any) -> Any:
        return torch.utils.data.SequentialSampler(self.train_dataset)  # type: ignore[arg-type]


def train(
    recipe: str,
    clips: Sequence[dict[str, Any]],
    folder: Path,
    between: Callable[[int], None] = lambda step: None,
    batch: int | None = None,
) -> list[float]:
    """Seconds of each optimiser step on the clips, `common.BATCH` a step, in the order given.

    Args:
        recipe: `paper` or `tuned`.
        clips: all of them.
        folder: for what the Trainer writes.
        between: is called after each step, counted from 0.
        batch: utterances of a step on a GPU; `None`: on the CPU, `common.BATCH`.
    """
    torch.manual_seed(0)
    clock = _Clock(between)
    trainer = _InOrder(
        model=common.PaperNetwork(),
        args=arguments(recipe, folder, len(clips) // (batch or common.BATCH), batch),
        train_dataset=list(clips),
        data_collator=common.collate,
        callbacks=[clock],
    )
    trainer.train()
    return clock.seconds
