"""Recordings of noise in a folder, by kind: NOISEX-92, MUSAN, DEMAND or any other.

A kind is a path below the folder, in lower case and without suffix: a recording, or a folder of
recordings, from which each utterance gets one at random.

| shape | on disk | kinds |
|---|---|---|
| NOISEX-92 (Varga & Steeneken 1993) | `babble.wav`, `white.wav` | `babble`, `white` |
| MUSAN (Snyder et al. 2015) | `noise/free-sound/*.wav`, `music/**`, `speech/**` | `noise`, `music`, `speech`, `noise/free-sound` |
| DEMAND (Thiemann et al. 2013) | `DKITCHEN/ch01.wav` to `ch16.wav` | `dkitchen` (its channel 1), `dkitchen/ch05` |
"""  # noqa: E501 - a table

import logging
import re
import shlex
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtlser import recipe
from mtlser.data.corpora.base import SUFFIXES
from mtlser.errors import MtlserError

CHANNEL = re.compile(r"ch\d+")
"""Name of one microphone's recording in a DEMAND room; the others recorded the same sound."""
SHOWN = 30
"""Kinds that an error lists at most."""
CACHED = 8
"""Decoded recordings in memory at once."""

NOISEX92 = {
    "babble": "a canteen of 100 people",
    "buccaneer1": "jet cockpit, 190 knots",
    "buccaneer2": "jet cockpit, 450 knots",
    "destroyerengine": "a destroyer's engine room",
    "destroyerops": "a destroyer's operations room",
    "f16": "F-16 cockpit",
    "factory1": "plate cutting and welding",
    "factory2": "a car production hall",
    "hfchannel": "a short-wave radio channel",
    "leopard": "a military vehicle, 70 km/h",
    "m109": "a tank, 30 km/h",
    "machinegun": "a machine gun",
    "pink": "pink noise",
    "volvo": "a car, 120 km/h",
    "white": "white noise",
}
"""The recordings of NOISEX-92 and what they contain."""


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recordings:
    """The recordings of one folder."""

    root: Path
    kinds: Mapping[str, tuple[Path, ...]]
    """Every recording and every folder of recordings, by kind."""

    def of(self, kind: str) -> tuple[Path, ...]:
        """The recordings of a kind, in name order; at least one.

        Raises:
            MtlserError: there is no such kind; names those there are.
        """
        if _named(kind) in self.kinds:
            return self.kinds[_named(kind)]
        known = f" ({NOISEX92[kind.lower()]} in NOISEX-92)" if kind.lower() in NOISEX92 else ""
        tops = sorted({name.partition("/")[0] for name in self.kinds})
        more = f" and {len(tops) - SHOWN} more" if len(tops) > SHOWN else ""
        deeper = "; folders go on, as in " if any("/" in name for name in self.kinds) else ""
        example = next((name for name in sorted(self.kinds) if "/" in name), "")
        raise MtlserError(
            f"noise {kind!r}{known} is not in {self.root}, which holds "
            f"{', '.join(tops[:SHOWN])}{more}{deeper}{example}; "
            f"set it with `--set {shlex.quote(recipe.override('noise.kinds', [tops[0]]))}`"
        )


def find(root: Path) -> Recordings:
    """The recordings below `root`, without reading one; other files are counted in the log.

    Hidden files, whose names begin with a dot, are skipped.

    Raises:
        MtlserError: no such folder, no recording in it, or two of one name.
    """
    if not root.is_dir():
        raise MtlserError(
            f"{root}: no such folder of noises; expected for example {root}/babble.wav, or leave "
            "noise.root out for babble of the corpus"
        )
    files = [p for p in sorted(root.rglob("*")) if p.is_file()]
    shown = [p for p in files if not any(part[0] == "." for part in p.relative_to(root).parts)]
    visible = [p for p in shown if p.suffix.lower() in SUFFIXES]
    if others := [p for p in shown if p.suffix.lower() not in SUFFIXES]:
        log.info(
            "%s: %d of %d files left out: not a %s file (first: %s)",
            root, len(others), len(shown), " or ".join(SUFFIXES), others[0].relative_to(root),
        )  # fmt: skip
    if not visible:
        raise MtlserError(
            f"{root}: no noise in it; expected {' or '.join(SUFFIXES)} files, for example "
            f"{root}/babble.wav; name another folder with `--set noise.root=DIR`"
        )
    kinds: dict[str, list[Path]] = defaultdict(list)
    for path in visible:
        name = _named(path.relative_to(root).with_suffix("").as_posix())
        if name in kinds:
            raise MtlserError(f"noise {name!r} is both {kinds[name][0]} and {path}; keep one")
        kinds[name] = [path]
    for folder, members in _folders(root, visible).items():
        if folder in kinds:
            raise MtlserError(
                f"noise {folder!r} is both {kinds[folder][0]} and a folder; rename one"
            )
        kinds[folder] = members
    return Recordings(root, {name: tuple(paths) for name, paths in kinds.items()})


def _named(place: str) -> str:
    r"""A kind's name: in lower case, with each accent in its letter.

    macOS writes the two apart, so that a name that looks the same would not be.

    >>> _named("K\u00fcche") == _named("ku\u0308che")
    True
    """
    return unicodedata.normalize("NFC", place).lower()


def _folders(root: Path, files: Iterable[Path]) -> dict[str, list[Path]]:
    """Each folder below `root` with all recordings below it; a DEMAND room with its first."""
    members: dict[str, list[Path]] = defaultdict(list)
    for path in files:
        for folder in path.relative_to(root).parents[:-1]:
            members[_named(folder.as_posix())].append(path)
    return {folder: _one_channel(paths) for folder, paths in members.items()}


def _one_channel(paths: list[Path]) -> list[Path]:
    """The first channel of each room, where the recordings are channels.

    >>> _one_channel([Path("PARK/ch01.wav"), Path("PARK/ch02.wav")])[0].name
    'ch01.wav'
    """
    first: dict[Path, Path] = {}
    for path in paths:
        place = path.parent if CHANNEL.fullmatch(path.stem.lower()) else path
        first.setdefault(place, path)
    return list(first.values())


def load(kind: str, path: Path) -> NDArray[np.float32]:
    """A recording at 16 kHz mono, (n,); the last few stay in memory.

    Raises:
        MtlserError: it is unreadable, empty or silent.
    """
    from mtlser.data import audio

    try:
        return _decoded(path)
    except audio.AudioError as error:
        raise MtlserError(
            f"noise {kind!r}: {path} is {error.fault}: {error.detail}; replace it, or take it out "
            "of the folder"
        ) from None


@lru_cache(CACHED)
def _decoded(path: Path) -> NDArray[np.float32]:
    from mtlser.data import audio

    wav_n = audio.load(path)
    wav_n.setflags(write=False)
    return wav_n
