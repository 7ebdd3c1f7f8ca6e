"""Audio that is inside another file, as a data set keeps it, decoded as a file of its own."""

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile

from mtlser.data import audio
from mtlser.data.corpora import Item
from mtlser.data.corpora.base import AUDIO_SUFFIXES


def clips(
    path: Path, items: Sequence[Item], channels: audio.Policy
) -> Iterator[audio.Clip | audio.AudioError]:
    """Yields the clip of each item of one file, or its fault.

    A recording is decoded once for all its pieces. One that is inside a file which holds many is in
    a temporary file while it is decoded.

    Args:
        path: the file.
        items: what is in it, in its order.
        channels: see `audio.decode`.
    """
    inside = [item for item in items if item.embedded is not None]
    if inside:
        yield from (_clip(path, item, channels) for item in items)
        return
    spans = [audio.Span(item.start_s, item.end_s) for item in items]
    yield from audio.decode_spans(path, spans, channels=channels)


def _clip(path: Path, item: Item, channels: audio.Policy) -> audio.Clip | audio.AudioError:
    """The clip of an item that is inside a file."""
    assert item.embedded is not None, item.id
    try:
        content = item.embedded()
    except (OSError, ValueError) as error:  # of pyarrow too
        return audio.AudioError("unreadable", path, str(error).splitlines()[0])
    suffix = PurePosixPath(item.id).suffix.lower()
    with NamedTemporaryFile(
        prefix="mtlser-", suffix=suffix if suffix in AUDIO_SUFFIXES else ""
    ) as file:
        file.write(content)
        file.flush()
        span = audio.Span(item.start_s, item.end_s)
        return next(audio.decode_spans(Path(file.name), [span], channels=channels))
