"""What is read from the worker's output."""

from pipeline.local.steps import Event, Reader

GREEN, RED, OFF = "\x1b[92m", "\x1b[91m", "\x1b[0m"


def feed(reader: Reader, *lines: str, thread: str = "1") -> list[Event]:
    return [event for line in lines for event in reader.feed(f"{thread}\t{line}\n")]


def began(task: str, cell: str = "") -> list[str]:
    parameters = f'"parameterValues": {{ "cell": "{cell}" }}'
    return [
        f"12:00:00.000 - INFO - Executing task {GREEN}'{task}'{OFF}",
        "12:00:00.000 - INFO - Streamed logs:",
        "    [KFP Executor 2026 INFO]: Got executor_input:",
        "    {",
        f'        "inputs": {{ {parameters} }}',
        "    }",
    ]


def ended(task: str, status: str = "SUCCESS") -> str:
    return f"12:00:01.000 - INFO - Task '{task}' finished with status {GREEN}{status}{OFF}"


def shown(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.kind, event.step.label) for event in events]


def test_a_step_begins_with_its_cell_and_ends() -> None:
    reader = Reader()
    events = feed(reader, *began("train", "svm:f2:s0"), "    epoch 1", ended("train"))
    assert shown(events) == [("begin", "train svm:f2:s0"), ("done", "train svm:f2:s0")]
    assert reader.open == {}


def test_steps_side_by_side_keep_their_lines() -> None:
    reader = Reader()
    feed(reader, *began("train", "mtlser:f0:s0"), thread="1")
    feed(reader, *began("train", "mtlser:f1:s0"), thread="2")
    feed(reader, "    of f0", thread="1")
    feed(reader, "    of f1", "    MtlserError: no", thread="2")
    (failed,) = feed(reader, ended("train", f"{RED}FAILURE"), thread="2")
    assert (failed.kind, failed.step.label) == ("failed", "train mtlser:f1:s0")
    assert failed.step.mistake() == "no"
    assert "of f0" not in failed.step.tail()
    assert reader.open["1"].mistake() is None


def test_a_reused_step_is_told() -> None:
    events = feed(Reader(), "INFO - Task fold-split cache hit (key=abc); skipping execution.")
    assert shown(events) == [("reused", "fold_split")]


def test_a_lost_end_line_is_made_up_for_by_the_next_begin() -> None:
    events = feed(Reader(), *began("ingest"), *began("fold-split"))
    assert shown(events) == [("begin", "ingest"), ("done", "ingest"), ("begin", "fold_split")]


def test_lines_of_no_step_are_kept_apart() -> None:
    reader = Reader()
    assert list(reader.feed("Traceback of the worker\n")) == []
    feed(reader, "Running pipeline")
    assert list(reader.loose) == ["Traceback of the worker", "Running pipeline"]


def test_the_mistake_is_the_last_one_with_its_module_or_without() -> None:
    reader = Reader()
    feed(reader, *began("search"), "    mtlser.errors.MtlserError: first; do this")
    feed(reader, "        mtlser.errors.MtlserError: second; do that")
    assert reader.open["1"].mistake() == "second; do that"


def test_the_newest_line_is_the_steps_own() -> None:
    reader = Reader()
    feed(reader, *began("search"), "    epoch 3 of 8", "    [KFP Executor 2026 INFO]: x", "")
    assert reader.open["1"].newest() == "epoch 3 of 8"
