"""Data sets of Hugging Face as its `datasets` package writes them, written with pyarrow alone."""

import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import soundfile
from pyarrow import ipc, parquet

from tests.helpers.corpus_releases import speech

LABELS = ("angry", "sad")


def wav(seed: int, duration_s: float = 0.4) -> bytes:
    """The content of a WAV file of noise."""
    file = BytesIO()
    soundfile.write(file, speech(seed, duration_s), 16_000, format="WAV")
    return file.getvalue()


def sound_table(clips: Sequence[tuple[bytes | None, str | None]], **columns: Sequence[Any]) -> Any:
    """A table with a column `audio` of feature type Audio and `emotion`, a ClassLabel.

    Args:
        clips: bytes and path of each row.
        columns: further columns; `emotion` holds numbers, rising from 0 where it is not given.
    """
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    rows = [{"bytes": content, "path": path} for content, path in clips]
    given = {"emotion": [i % len(LABELS) for i in range(len(clips))], **columns}
    features: dict[str, Mapping[str, Any]] = {name: {"_type": "Value"} for name in given}
    features["audio"] = {"sampling_rate": 16_000, "_type": "Audio"}
    features["emotion"] = {"names": list(LABELS), "_type": "ClassLabel"}
    told = json.dumps({"info": {"features": features}})
    table = pa.table({"audio": pa.array(rows, kind), **given})
    return table.replace_schema_metadata({"huggingface": told})


def write_parquet(path: Path, table: Any, row_group_size: int = 100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(table, path, row_group_size=row_group_size)


def write_saved(folder: Path, table: Any, name: str = "data-00000-of-00001.arrow") -> None:
    """What `Dataset.save_to_disk` writes."""
    folder.mkdir(parents=True, exist_ok=True)
    with ipc.new_stream(str(folder / name), table.schema) as stream:
        stream.write_table(table, max_chunksize=2)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name}]}))


def write_saved_splits(root: Path, splits: Mapping[str, Any]) -> None:
    """What `DatasetDict.save_to_disk` writes."""
    for name, table in splits.items():
        write_saved(root / name, table)
    (root / "dataset_dict.json").write_text(json.dumps({"splits": list(splits)}))
