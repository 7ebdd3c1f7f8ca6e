"""Parquet and Arrow files as Hugging Face data sets use them; pyarrow is used here alone."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mtlser.errors import MtlserError
from mtlser.recipes import names

BYTES, PATH = "bytes", "path"
"""Fields of a column of audio."""
AT_ONCE = 1000
"""Rows without sound that are read at once."""
BUFFER = 1 << 20
"""Bytes of a Parquet file that are read at once."""


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Reads a file inside it.

    Raises:
        MtlserError: the file is not what its ending says.
    """
    import pyarrow

    try:
        yield
    except MtlserError:
        raise
    except (pyarrow.ArrowException, OSError, ValueError, KeyError, IndexError) as error:
        kind = "Parquet" if path.suffix == ".parquet" else "an Arrow stream"
        raise MtlserError(
            f"{names.shown(str(path))}: not {kind} ({_first_line(error)}); copy it again"
        ) from None


def _first_line(error: Exception) -> str:
    lines = names.shown(str(error)).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def schema(path: Path) -> Any:
    """The Arrow schema of a file."""
    if path.suffix == ".parquet":
        from pyarrow import parquet

        with parquet.ParquetFile(path) as file:
            return file.schema_arrow
    return next(_batches(path, schema_alone=True))


def plain(schema: Any) -> tuple[str, ...]:
    """Columns of text and numbers.

    Raises:
        ValueError: two have one name.
    """
    import pyarrow

    if len(set(schema.names)) < len(schema.names):
        raise ValueError(f"two columns of one name among {', '.join(schema.names)}")
    types = pyarrow.types
    return tuple(
        field.name
        for field in schema
        if not types.is_nested(field.type)
        and not types.is_binary(field.type)
        and not types.is_large_binary(field.type)
    )


def holds_sound(field: Any) -> bool:
    """Whether a column has the bytes of a file and its name."""
    import pyarrow

    types = pyarrow.types
    if not types.is_struct(field.type):
        return False
    inner = {part.name: part.type for part in field.type}
    content = inner.get(BYTES)
    return content is not None and (types.is_binary(content) or types.is_large_binary(content))


def rows(
    path: Path, plain: Sequence[str], audio: str
) -> Iterator[tuple[dict[str, Any], Any, bool]]:
    """Yields the plain cells of each row, what it calls its sound, and whether that is inside."""
    reader = _parquet_rows if path.suffix == ".parquet" else _arrow_rows
    yield from reader(path, plain, audio)


def _parquet_rows(
    path: Path, plain: Sequence[str], audio: str
) -> Iterator[tuple[dict[str, Any], Any, bool]]:
    """The same of a Parquet file: no sound is read."""
    from pyarrow import parquet

    with parquet.ParquetFile(path, pre_buffer=False, buffer_size=BUFFER) as file:
        field = file.schema_arrow.field(audio)
        sound = holds_sound(field)
        named = not sound or any(part.name == PATH for part in field.type)
        wanted = [*plain, *([f"{audio}.{PATH}" if sound else audio] if named else [])]
        for group in range(file.num_row_groups):
            inside = sound and _has_bytes(file.metadata.row_group(group), f"{audio}.{BYTES}")
            for batch in file.iter_batches(AT_ONCE, row_groups=[group], columns=wanted):
                for content in batch.to_pylist():
                    name = content.pop(audio, None)
                    yield content, name.get(PATH) if isinstance(name, dict) else name, inside


def _has_bytes(group: Any, column: str) -> bool:
    """Whether any row of a row group has bytes, which is taken for granted where nobody counted."""
    for number in range(group.num_columns):
        part = group.column(number)
        if part.path_in_schema == column:
            counted = part.statistics
            if counted is None or counted.null_count is None:
                return True
            return bool(counted.null_count < group.num_rows)
    return False


def _arrow_rows(
    path: Path, plain: Sequence[str], audio: str
) -> Iterator[tuple[dict[str, Any], Any, bool]]:
    """The same of an Arrow stream, which is mapped into memory, not read."""
    for batch in _batches(path):
        column = batch.column(audio)
        sound = holds_sound(batch.schema.field(audio))
        inside = column.field(BYTES).is_valid().to_pylist() if sound else [False] * len(batch)
        fields = [part.name for part in column.type] if sound else []
        named = column.field(PATH) if PATH in fields else None if sound else column
        files = [None] * len(batch) if named is None else named.to_pylist()
        cells = batch.select(list(plain)).to_pylist() if plain else [{} for _ in inside]
        yield from zip(cells, files, inside, strict=True)


def sounds(path: Path, audio: str, row: int) -> tuple[int, Iterator[bytes | None]]:
    """The sounds of a file one after another, from a row at or before `row`, and which row it is.

    Of Parquet one row group is in memory at a time, whose page has all its sounds: the `datasets`
    package makes them of 100 rows at most. Of Arrow it is one sound.
    """
    if path.suffix != ".parquet":
        return 0, _arrow_sounds(path, audio)
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        before, group = 0, 0
        while group < file.num_row_groups - 1:
            here = file.metadata.row_group(group).num_rows
            if before + here > row:
                break
            before, group = before + here, group + 1
    return before, _parquet_sounds(path, audio, group)


def _parquet_sounds(path: Path, audio: str, group: int) -> Iterator[bytes | None]:
    from pyarrow import parquet

    with parquet.ParquetFile(path, pre_buffer=False, buffer_size=BUFFER) as file:
        groups = list(range(group, file.num_row_groups))
        for batch in file.iter_batches(
            1, row_groups=groups, columns=[f"{audio}.{BYTES}"], use_threads=False
        ):
            for content in batch.column(0).to_pylist():
                yield None if content is None else content[BYTES]


def _arrow_sounds(path: Path, audio: str) -> Iterator[bytes | None]:
    for batch in _batches(path):
        column = batch.column(audio).field(BYTES)
        for place in range(len(column)):
            yield column[place].as_py()


def _batches(path: Path, schema_alone: bool = False) -> Iterator[Any]:
    """Yields the record batches of an Arrow stream or file, each checked; or its schema."""
    import pyarrow
    from pyarrow import ipc

    with pyarrow.memory_map(str(path)) as source:
        try:
            reader = ipc.open_stream(source)
        except pyarrow.ArrowInvalid:
            source.seek(0)
            file = ipc.open_file(source)
            if schema_alone:
                yield file.schema
                return
            batches = (file.get_batch(number) for number in range(file.num_record_batches))
        else:
            if schema_alone:
                yield reader.schema
                return
            batches = iter(reader)
        for batch in batches:
            batch.validate(full=True)
            yield batch
