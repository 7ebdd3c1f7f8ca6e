"""What libsndfile does not read, by FFmpeg's decoders: M4A, MP4, 3GP, WebM, WMA, AMR, AAC, ...

docs/decisions/0021-audio-formats.md has what is read and what each container states.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mtlser.data import resampling
from mtlser.data.decoding.limits import ANY, Most
from mtlser.data.lengths.length import Decoded

CONTAINERS = {
    "mov,mp4,m4a,3gp,3g2,mj2": "MP4", "matroska,webm": "MATROSKA", "asf": "ASF", "avi": "AVI",
    "amr": "AMR", "aac": "ADTS", "loas": "LATM", "ac3": "AC3", "eac3": "EAC3", "flv": "FLV",
    "mpegts": "MPEGTS", "mpeg": "MPEG", "ape": "APE", "tta": "TTA", "wv": "WV", "wav": "WAV",
    "aiff": "AIFF", "caf": "CAF", "ogg": "OGG", "mp3": "MP3",
}  # fmt: skip
"""FFmpeg's names of the containers that are read: none that names further files to be opened."""
CODECS = (
    "aac", "aac_latm", "ac3", "adpcm_g722", "adpcm_g726", "adpcm_g726le", "adpcm_ima_qt",
    "adpcm_ima_wav", "adpcm_ms", "alac", "amrnb", "amrwb", "ape", "eac3", "flac", "g722", "g726",
    "g726le", "g723_1", "g729", "gsm", "gsm_ms", "mp1", "mp1float", "mp2", "mp2float", "mp3",
    "mp3float", "opus", "pcm_alaw", "pcm_f32be", "pcm_f32le", "pcm_f64be", "pcm_f64le",
    "pcm_mulaw", "pcm_s16be", "pcm_s16le", "pcm_s24be", "pcm_s24le", "pcm_s32be", "pcm_s32le",
    "pcm_s8", "pcm_u8", "speex", "tta", "vorbis", "wavpack", "wmalossless", "wmapro", "wmav1",
    "wmav2", "wmavoice",
)  # fmt: skip
"""FFmpeg's names of the decoders that may be opened: sound alone, and no video."""
MOST_CHANNELS = 7
"""PyAV reads beyond the end of a frame's list of channels, where these are 8 or more."""
COUNTED = {"APE", "TTA", "WV"}
"""Containers whose length FFmpeg takes from a field of the header."""
PIECED = {"WAV", "AIFF", "CAF"}
"""Containers without packets, of which FFmpeg reads pieces of a size of its own."""
TIMEOUT_S = 60.0
SCALES = {"u8": 128.0, "s16": 2.0**15, "s32": 2.0**31, "flt": 1.0, "dbl": 1.0}
"""Full scale of FFmpeg's sample formats."""


class NotDecodedError(ValueError):
    """Why FFmpeg does not decode a file."""


@dataclass(frozen=True, eq=False)
class Sound:
    """The first stream of sound of a file."""

    wav_nc: NDArray[np.float64]
    decoded: Decoded


@dataclass
class _Progress:
    """What was decoded so far."""

    most: Most
    rate_hz: int = 0
    channels: int = 0
    frames: int = 0
    packet: int = 0
    end_s: float = 0.0
    blocks: list[NDArray[np.float64]] = field(default_factory=list)


class _Source:
    """An open file without its name, which FFmpeg would take for a hint at what it is."""

    def __init__(self, file: BinaryIO) -> None:
        self.read, self.tell, self._file = file.read, file.tell, file

    def seek(self, offset: int, whence: int = 0) -> int:
        """The new place; -1 where there is none, as a damaged header may ask for."""
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError):
            return -1


def read(path: Path, most: Most = ANY) -> Sound:
    """The first stream of sound of a file, all channels, at its own rate.

    Samples that the container marks as the encoder's lead or padding (edit lists, CodecDelay,
    DiscardPadding) are left out.

    Raises:
        NotDecodedError: it is no such container, has no sound or is damaged.
        OSError: it cannot be opened.
    """
    import av

    try:
        with (
            path.open("rb") as file,
            av.open(
                _Source(file),
                metadata_errors="replace",
                timeout=TIMEOUT_S,
                options={
                    "format_whitelist": ",".join(CONTAINERS),
                    "codec_whitelist": ",".join(CODECS),
                    "protocol_whitelist": "none",
                },
            ) as container,
        ):
            return _read(container, most)
    except NotDecodedError:
        raise
    except (av.FFmpegError, ValueError, ArithmeticError, RuntimeError, MemoryError) as error:
        raise NotDecodedError(getattr(error, "strerror", None) or str(error)) from None


def _read(container: Any, most: Most) -> Sound:
    name = CONTAINERS.get(container.format.name)
    if name is None:
        raise NotDecodedError(f"{container.format.name} files are not read")
    if not container.streams.audio:
        raise NotDecodedError("no stream of sound in it")
    stream = container.streams.audio[0]
    if stream.codec_context is None or stream.codec_context.name not in CODECS:
        coding = "unknown" if stream.codec_context is None else stream.codec_context.name
        raise NotDecodedError(f"its coding, {coding}, is not read")
    stream.codec_context.thread_count = 1
    progress = _Progress(most)

    def complete() -> bool:
        return progress.frames >= (_stated(name, stream, progress) or math.inf)

    for packet in _packets(container, complete):
        if packet.is_corrupt and name not in PIECED:
            raise NotDecodedError("cut short: its last packet is not whole")
        _note_end(packet, progress)
        if packet.stream_index == stream.index:
            progress.blocks.extend(_blocks(packet, progress))
    decoded = Decoded(
        name,
        progress.frames,
        rate_hz=progress.rate_hz,
        packet=progress.packet,
        end_s=progress.end_s,
        stated=_stated(name, stream, progress),
    )
    if not progress.blocks:
        return Sound(np.zeros((0, 1)), decoded)
    return Sound(np.concatenate(progress.blocks), decoded)


def _packets(container: Any, complete: Callable[[], bool]) -> Iterator[Any]:
    """Yields the packets of all streams; what is no packet ends them where the sound is complete.

    Tags at the end of a WavPack file are none.
    """
    import av

    packets = container.demux()
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except av.FFmpegError:
            if complete():
                return
            raise
        yield packet


def _stated(name: str, stream: Any, progress: _Progress) -> int | None:
    """Sample frames by a field of the header, where FFmpeg takes the length from there."""
    if name not in COUNTED or not stream.duration or not progress.rate_hz:
        return None
    return round(stream.duration * stream.time_base * progress.rate_hz)


def _note_end(packet: Any, progress: _Progress) -> None:
    if packet.pts is not None and packet.time_base is not None:
        end_s = float((packet.pts + (packet.duration or 0)) * packet.time_base)
        progress.end_s = max(progress.end_s, end_s)


def _blocks(packet: Any, progress: _Progress) -> Iterator[NDArray[np.float64]]:
    """Yields the samples of one packet, (n, channel)."""
    import av

    try:
        frames = packet.decode()
    except av.FFmpegError as error:
        at = f"{progress.frames / progress.rate_hz:.2f} s" if progress.rate_hz else "its beginning"
        raise NotDecodedError(f"damaged at {at}: {error.strerror}") from None
    for frame in frames:
        shape = (int(frame.sample_rate), int(frame.layout.nb_channels))
        if not progress.blocks and not progress.rate_hz:
            _check(*shape)
            progress.rate_hz, progress.channels = shape
        if shape != (progress.rate_hz, progress.channels):
            raise NotDecodedError(
                f"it changes from {progress.rate_hz} Hz and {progress.channels} channels to "
                f"{shape[0]} Hz and {shape[1]}"
            )
        progress.frames += frame.samples
        progress.packet = max(progress.packet, frame.samples)
        if progress.frames > progress.most.frames(*shape):
            raise NotDecodedError(progress.most.refusal(*shape))
        yield _samples(frame)


def _check(rate_hz: int, channels: int) -> None:
    if not resampling.is_read(rate_hz):
        raise NotDecodedError(resampling.refusal(rate_hz))
    if not 1 <= channels <= MOST_CHANNELS:
        raise NotDecodedError(f"{channels} channels, allowed are 1 to {MOST_CHANNELS}")


def _samples(frame: Any) -> NDArray[np.float64]:
    coding = frame.format.name.removesuffix("p")
    if coding not in SCALES:
        raise NotDecodedError(f"samples as {frame.format.name} are not read")
    values = frame.to_ndarray()
    values_nc = values.T if frame.format.is_planar else values.reshape(frame.samples, -1)
    with np.errstate(invalid="ignore"):  # what is no number is refused with the whole file
        centred_nc = values_nc.astype(np.float64) - (128 if coding == "u8" else 0)
    return np.asarray(centred_nc / SCALES[coding])
