"""Clips to wav files: 16 kHz mono 16-bit, byte-identical, rendered by fresh processes.

eSpeak NG carries a little state from clip to clip, so a clip's bytes depend on those before it.
Clips are therefore divided into blocks of a fixed size, and each block is synthesised in order by
a process of its own: the bytes depend neither on the number of cores nor on earlier calls.
"""

import os
import subprocess
import sys
import wave
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtlser import runtime
from mtlser.errors import MtlserError
from mtlser.files import atomic_file
from mtlser.records import SAMPLE_RATE_HZ, Record

BLOCK = 120
"""Clips that one process synthesises; changing it changes the bytes."""

_UP, _DOWN = 320, 441  # 22,050 Hz * 320 / 441 = 16,000 Hz


class Clip(Record):
    """One clip to synthesise; see `mtlser.data.synthetic.espeak.speak` for units and limits."""

    path: str
    """Path of the wav to write."""
    text: str
    voice: str
    rate_wpm: int
    pitch: int
    pitch_range: int
    volume: int
    seed: int


def render(clips: Sequence[Clip]) -> list[float]:
    """Writes each clip's wav and returns the durations in seconds, in the order of `clips`.

    Raises:
        MtlserError: a clip cannot be synthesised or written.
    """
    blocks = [clips[start : start + BLOCK] for start in range(0, len(clips), BLOCK)]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return [seconds for block in pool.map(_render_apart, blocks) for seconds in block]


def resample(wav_n: NDArray[np.int16]) -> NDArray[np.int16]:
    """The samples at 16 kHz, from eSpeak NG's 22,050 Hz (polyphase filter, no dither).

    >>> resample(np.zeros(441, dtype=np.int16)).shape
    (320,)
    """
    from scipy.signal import resample_poly

    scaled_n = np.rint(resample_poly(wav_n.astype(np.float64), _UP, _DOWN))
    return np.clip(scaled_n, -32768, 32767).astype(np.int16)


def _render_apart(block: Sequence[Clip]) -> list[float]:
    """Renders one block in a fresh process; returns the durations in seconds."""
    package_root = str(Path(__file__).parents[3])
    paths = [package_root, os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-m", "mtlser.data.synthetic.rendering"],
        input="".join(clip.model_dump_json() + "\n" for clip in block),
        capture_output=True,
        encoding="utf-8",
        check=False,
        env={
            **os.environ,
            **runtime.UTF8_PIPES,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        },
    )
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise MtlserError(f"speech synthesis failed: {reason}")
    return [int(line) / SAMPLE_RATE_HZ for line in done.stdout.split()]


def _render_one(clip: Clip) -> int:
    """Writes one wav whole; returns its number of samples."""
    from mtlser.data.synthetic.espeak import speak

    speech_n = speak(
        clip.text, clip.voice, clip.rate_wpm, clip.pitch, clip.pitch_range, clip.volume,
        seed=clip.seed,
    )  # fmt: skip
    wav_n = resample(speech_n)
    path = Path(clip.path)
    with (
        atomic_file(path, durable=False) as temporary,
        temporary.open("wb") as raw,
        wave.open(raw, "wb") as file,
    ):
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(wav_n.astype("<i2").tobytes())
    return len(wav_n)


def _main() -> int:
    """Renders the clips on standard input, one JSON record a line; prints sample counts."""
    try:
        for line in sys.stdin.buffer.read().decode("utf-8").splitlines():
            sys.stdout.write(f"{_render_one(Clip.model_validate_json(line))}\n")
    except (MtlserError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(_main())
