"""Clips that a stranger sends, within limits that bound the memory of a request.

What is refused is told in one sentence without a path or a trace.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mtlser.data import audio
from mtlser.data.decoding.channels import Policy
from mtlser.data.decoding.limits import Most
from mtlser.errors import MtlserError
from mtlser.records import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from mtlser.serving.load import FilePrediction

AUDIO = "audio"
"""The column of audio files as base64."""
MOST_CLIPS = 64
"""In one request."""
MOST_BYTES = 32 << 20
"""Of one audio file: 17 minutes of 16 kHz WAV."""
MOST = Most(values=1 << 25, seconds=600.0, channels=8)
"""Of one clip as it is decoded, 256 MiB: a small file may hold hours."""
MOST_SECONDS = 1200.0
"""Of all clips of one request."""
MOST_BODY = 64 << 20
"""Bytes of a request: 20 minutes of 16 kHz WAV as base64."""
MOST_VALUES = 1_000
"""Signs of JSON that open or part values: a body of small values needs twenty times its bytes."""
EXAMPLE = '{"dataframe_records": [{"audio": BASE64}]}'


class RefusedError(MtlserError):
    """A request that is not answered; the sentence may be read by a stranger."""


def texts(body: bytes | bytearray) -> list[object]:
    """The clips of a request as MLflow's clients write it, in order, as they are given.

    Args:
        body: JSON of `dataframe_records`, `dataframe_split`, `instances` or `inputs`.

    Raises:
        RefusedError: it is none of these, or has another column than `audio`.

    >>> texts(b'{"dataframe_split": {"columns": ["audio"], "data": [["UklGRg=="]]}}')
    ['UklGRg==']
    """
    if sum(body.count(sign) for sign in (b"[", b"{", b",")) > MOST_VALUES:
        raise RefusedError(f"over {MOST_VALUES} values; expected at most {MOST_CLIPS} clips")
    try:
        content = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise RefusedError(f"not JSON in UTF-8; expected {EXAMPLE}") from None
    if not isinstance(content, dict) or len(content) != 1:
        raise RefusedError(f"not one table; expected {EXAMPLE}")
    ((kind, table),) = content.items()
    if kind in {"dataframe_records", "instances", "inputs"} and isinstance(table, list):
        return [_cell(row) for row in table]
    if kind == "inputs" and isinstance(table, dict) and isinstance(table.get(AUDIO), list):
        _refuse_other_columns(table)
        return list(table[AUDIO])
    if kind == "dataframe_split" and isinstance(table, dict):
        return _of_split(table)
    raise RefusedError(f"not a table that is known; expected {EXAMPLE}")


def _cell(row: Any) -> object:
    if not isinstance(row, dict):
        raise RefusedError(f"a row is no record; expected {EXAMPLE}")
    _refuse_other_columns(row)
    return row[AUDIO]


def _of_split(table: Mapping[str, Any]) -> list[object]:
    columns, rows = table.get("columns"), table.get("data")
    if not isinstance(columns, list) or not isinstance(rows, list):
        raise RefusedError("dataframe_split without columns and data; expected both")
    _refuse_other_columns(columns)
    if len(columns) != 1 or not all(isinstance(row, list) and len(row) == 1 for row in rows):
        raise RefusedError(f"not one value in each row of data; expected the column {AUDIO} alone")
    return [row[0] for row in rows]


def _refuse_other_columns(columns: Iterable[object]) -> None:
    if set(map(str, columns)) != {AUDIO}:
        raise RefusedError(f"other columns than {AUDIO}, audio files as base64, in every row")


def decoded(clips: list[object], channels: Policy) -> list[NDArray[np.float32]]:
    """The samples of each clip, (n,) at 16 kHz.

    Args:
        clips: audio files as base64; each is taken out of the list once it is read.
        channels: what becomes of the channels of a file, as in the model's training.

    Raises:
        RefusedError: too many or too large clips, or one that is no audio.
    """
    if not clips:
        raise RefusedError("no clips; expected one at least")
    if len(clips) > MOST_CLIPS:
        raise RefusedError(f"{len(clips)} clips, allowed are {MOST_CLIPS} in one request")
    wavs: list[NDArray[np.float32]] = []
    clips.reverse()
    for row in range(len(clips)):
        wavs.append(_clip(row, clips.pop(), channels))
        if sum(map(len, wavs)) > MOST_SECONDS * SAMPLE_RATE_HZ:
            raise RefusedError(f"over {MOST_SECONDS:g} s of audio in one request; send fewer clips")
    return wavs


def _clip(row: int, text: object, channels: Policy) -> NDArray[np.float32]:
    if not isinstance(text, str):
        raise RefusedError(f"row {row}: not text; expected an audio file as base64")
    if len(text) > MOST_BYTES * 4 // 3 + 4:
        raise RefusedError(f"row {row}: a file of over {MOST_BYTES >> 20} MiB; send a shorter clip")
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RefusedError(f"row {row}: not base64 ({error}); encode a whole audio file") from None
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip"
        path.write_bytes(content)
        del content, text
        try:
            return audio.load(path, channels, MOST)
        except audio.AudioError as error:
            detail = error.detail.replace(str(path), "the clip")
            raise RefusedError(f"row {row}: {error.fault}: {detail}") from None


def row_of(one: "FilePrediction") -> dict[str, object]:
    """What is answered of a clip: `emotion`, one probability a class, `text`, `speaker`."""
    return {
        "emotion": one.emotion,
        **one.probabilities,
        "text": one.text,
        "speaker": one.speaker,
    }
