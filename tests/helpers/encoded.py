"""Audio files in codings that libsndfile does not write."""

import io
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}


def write(
    path: Path,
    wav: NDArray[np.floating[Any]],
    rate_hz: int,
    codec: str,
    container: str,
    *,
    options: Mapping[str, str] | None = None,
    live: bool = False,
    bit_rate: int | None = None,
    coding: str | None = None,
) -> Path:
    """The path, where a waveform (n,) or (n, channel) was encoded.

    Args:
        path: where to.
        wav: between -1 and 1.
        rate_hz: of the waveform.
        codec: FFmpeg's name of the encoder.
        container: FFmpeg's name of the container.
        options: of the container.
        live: to a pipe, so that the header cannot be completed at the end.
        bit_rate: bits a second.
        coding: FFmpeg's name of the sample format, where the encoder has several.
    """
    channels = 1 if wav.ndim == 1 else wav.shape[1]
    packed = np.ascontiguousarray(wav, dtype=np.float32).reshape(1, -1)
    pipe = Pipe()
    target: Any = pipe if live else str(path)
    with av.open(target, "w", format=container, options=dict(options or {})) as file:
        stream: Any = file.add_stream(codec, rate=rate_hz, layout=LAYOUTS[channels])
        if bit_rate:
            stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(packed, "flt", LAYOUTS[channels])
        frame.sample_rate, frame.time_base, frame.pts = rate_hz, Fraction(1, rate_hz), 0
        context = stream.codec_context
        context.format = coding or context.format
        context.open()
        resampler = av.AudioResampler(
            context.format, context.layout, rate_hz, context.frame_size or None
        )
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            file.mux(stream.encode(piece))
        file.mux(stream.encode(None))
    if live:
        path.write_bytes(pipe.content.getvalue())
    return path


class Pipe:
    """Takes what is written, and cannot go back."""

    def __init__(self) -> None:
        self.content = io.BytesIO()

    def write(self, written: bytes) -> int:
        return self.content.write(written)
