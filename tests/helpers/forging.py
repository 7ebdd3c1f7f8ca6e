"""What a forger does to the folders of a run."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mtlser.records import read_json, write_json
from mtlser.storage import custody
from mtlser.storage.custody import CUSTODY, Custody
from tests.helpers.honest import HonestRun


def copied(honest: HonestRun, place: Path) -> HonestRun:
    shutil.copytree(honest.place, place)
    return HonestRun(place, honest.recipe, honest.utterances, honest.plan)


def rewrite(path: Path, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    text = "".join(json.dumps(row) + "\n" for row in change(rows))
    path.write_text(text, encoding="utf-8")


def set_value(path: Path, keys: tuple[str | int, ...], value: Any) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    inner = content
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value(inner[keys[-1]]) if callable(value) else value
    path.write_text(json.dumps(content), encoding="utf-8")


def drop_fields(path: Path, *names: str) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    kept = {key: value for key, value in content.items() if key not in names}
    path.write_text(json.dumps(kept), encoding="utf-8")


def reseal(folder: Path) -> None:
    """What a forger can do who knows the format: the folder's own digests, computed anew."""
    record = read_json(folder / CUSTODY, Custody)
    custody.seal(
        folder,
        record.step,
        list(record.files),
        cell=record.cell,
        recipe_hash=record.recipe_hash,
        manifest=record.manifest,
        folds=record.folds,
    )
    edit_record(folder, made_from=record.made_from)


def edit_record(folder: Path, **values: Any) -> None:
    """A record edited by one who knows how its own digest is made."""
    record = read_json(folder / CUSTODY, Custody).model_copy(update=values)
    write_json(folder / CUSTODY, record.model_copy(update={"sha256": record.digest}))


def edit_model(cell: Path, model: str) -> None:
    """The cell names another model."""
    record = read_json(cell / CUSTODY, Custody)
    edit_record(cell, made_from={**record.made_from, "model": model})


def drop_record(folder: Path) -> None:
    (folder / CUSTODY).unlink()
