"""eSpeak NG through ctypes: text in, 16-bit samples out; library and voices come from a wheel."""

import ctypes
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtlser.errors import MtlserError

RATE_HZ = 22_050
"""Sampling rate of eSpeak NG itself."""

RATE_WPM = (80, 450)
PITCH = (0, 99)
PITCH_RANGE = (0, 99)
VOLUME = (0, 200)

_SYNCHRONOUS = 2  # samples come from the calling thread: no hidden thread that outlives a call
_DONT_EXIT = 0x8000  # report a missing data folder instead of ending the process
_UTF8 = 1
_PARAMETERS = {"rate_wpm": 1, "volume": 2, "pitch": 3, "pitch_range": 4}
_LIMITS = {"rate_wpm": RATE_WPM, "volume": VOLUME, "pitch": PITCH, "pitch_range": PITCH_RANGE}
_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class _Engine:
    """The loaded library; the process has one, as eSpeak NG keeps its state in globals."""

    def __init__(self) -> None:
        import espeakng_loader

        data = Path(espeakng_loader.get_data_path())
        self.variants = data / "voices" / "!v"
        self._parts: list[bytes] = []
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._declare()
        rate_hz = self._library.espeak_Initialize(_SYNCHRONOUS, 0, bytes(data), _DONT_EXIT)
        if rate_hz != RATE_HZ:
            raise MtlserError(
                f"eSpeak NG returned {rate_hz} for its data in {data}, expected {RATE_HZ} Hz; "
                "run `pip install --force-reinstall espeakng-loader`"
            )
        self._callback = _CALLBACK(self._take)  # the library calls it as long as it lives
        self._library.espeak_SetSynthCallback(self._callback)

    def _declare(self) -> None:
        """Types of the functions that take more than plain integers."""
        void, integer = ctypes.c_void_p, ctypes.c_int
        self._library.espeak_Initialize.argtypes = [integer, integer, ctypes.c_char_p, integer]
        self._library.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
        self._library.espeak_SetSynthCallback.argtypes = [_CALLBACK]
        self._library.espeak_ng_SetRandSeed.argtypes = [ctypes.c_long]
        self._library.espeak_Synth.argtypes = [
            ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, integer,
            ctypes.c_uint, ctypes.c_uint, void, void,
        ]  # fmt: skip

    def _take(self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, _: int | None) -> int:
        """Stores one block of samples; returns 0 to continue."""
        if samples and count > 0:
            self._parts.append(ctypes.string_at(samples, 2 * count))
        return 0

    def set_voice(self, voice: str) -> bool:
        """True where eSpeak NG has this voice and, after a `+`, this variant."""
        _, plus, variant = voice.partition("+")
        if plus and variant not in {path.name for path in self.variants.iterdir()}:
            return False  # the library itself falls back to the plain voice without a warning
        return bool(self._library.espeak_SetVoiceByName(voice.encode()) == 0)

    def synthesise(self, text: str, settings: dict[str, int], seed: int) -> bytes:
        """16-bit little-endian samples of `text` with the voice set before."""
        self._parts.clear()
        for name, value in settings.items():
            self._library.espeak_SetParameter(_PARAMETERS[name], value, 0)
        self._library.espeak_ng_SetRandSeed(seed)
        content = text.encode() + b"\0"
        status = self._library.espeak_Synth(content, len(content), 0, 0, 0, _UTF8, None, None)
        return b"".join(self._parts) if status == 0 else b""


@cache
def _engine() -> _Engine:
    return _Engine()


def speak(
    text: str,
    voice: str,
    rate_wpm: int = 175,
    pitch: int = 50,
    pitch_range: int = 50,
    volume: int = 100,
    *,
    seed: int = 0,
) -> NDArray[np.int16]:
    """`text` as speech: int16 samples at 22,050 Hz.

    The samples depend on the seed and, in their lowest bits, on the clips that the process has
    synthesised before: for identical bytes synthesise the same clips in the same order
    in a fresh process, as `mtlser.data.synthetic.rendering.render` does.

    Args:
        text: plain text, not empty.
        voice: language and variant, for example `en-us+f2`, `en-gb-scotland+m3`.
        rate_wpm: words per minute, 80-450.
        pitch: 0-99; 50 is the voice's own.
        pitch_range: 0-99; 0 is a monotone, 50 the voice's own.
        volume: 0-200; 100 is the voice's own.
        seed: of eSpeak NG's random generator (breath, flutter).

    Raises:
        MtlserError: no text, no such voice, a value outside its limits, or no sound.
    """
    settings = {
        "rate_wpm": rate_wpm, "pitch": pitch, "pitch_range": pitch_range, "volume": volume,
    }  # fmt: skip
    for name, value in settings.items():
        low, high = _LIMITS[name]
        if not low <= value <= high:
            raise MtlserError(f"eSpeak NG: {name} is {value}, allowed are {low} to {high}")
    if not text.strip():
        raise MtlserError("eSpeak NG: the text is empty; expected at least one word")
    engine = _engine()
    if not engine.set_voice(voice):
        raise MtlserError(
            f"eSpeak NG: no voice {voice!r}; expected LANGUAGE+VARIANT such as `en-us+f2`, "
            f"with a variant of {engine.variants}"
        )
    samples = np.frombuffer(engine.synthesise(text, settings, seed), dtype="<i2")
    if not samples.any():
        raise MtlserError(f"eSpeak NG: voice {voice!r} produced no sound for {text!r}")
    return samples.astype(np.int16)
