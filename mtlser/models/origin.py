"""Where an encoder's files are: with the package, in a folder, on S3 or on the hub.

`model.revision` pins what is not on this machine: the hub's commit, or the digest of a folder.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mtlser import storage
from mtlser.errors import MtlserError
from mtlser.models import transformers_internals as internals
from mtlser.recipes.sections import names_folder

BUNDLED = Path(__file__).parent / "backbone"
DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Origin:
    """The files of one encoder."""

    source: str
    """What the recipe calls it."""
    place: str
    """What transformers is asked for: a folder of this machine, or a hub name."""
    revision: str = ""
    """Of a folder its digest, where the recipe gives it or it is from S3; of a hub name what the
    recipe gives: a commit, tag or branch; empty: not given."""

    @property
    def options(self) -> dict[str, Any]:
        """Arguments for `from_pretrained` of transformers."""
        on_hub = self.revision and not Path(self.place).is_dir()
        return {"revision": self.revision} if on_hub else {}

    def file(self, name: str) -> Path | None:
        """One of its files, `None` where it has none of that name."""
        return internals.file_of(self.place, name, **self.options)

    @property
    def loaded(self) -> str:
        """Which files they are: the hub's commit, or the digest of a folder; empty: not known."""
        if Path(self.place).is_dir():
            return self.revision
        config = self.file("config.json")
        return self.revision if config is None else internals.commit_of(config)


def locate(source: str, revision: str | None = None) -> Origin:
    """Where the files of an encoder are; those on S3 are fetched.

    Args:
        source: `bundled`, a folder in Hugging Face layout, an `s3://` address of one, or a hub
            name.
        revision: of a hub name a commit, tag or branch; of a folder the digest of its files, see
            `storage.digest_folder`.

    Raises:
        MtlserError: `source` looks like a path and no folder is there, it is no encoder's, its
            digest is another one, or S3 refuses.
    """
    if source == "bundled":
        return Origin(source, str(BUNDLED))
    remote = storage.is_s3(source)
    folder = storage.fetch(source) if remote else Path(source).expanduser()
    if folder.is_dir():
        return _of_folder(source, folder, revision, remote=remote)
    if names_folder(source):
        raise not_found(source, source)
    return Origin(source, source, revision or "")


def _of_folder(source: str, folder: Path, revision: str | None, *, remote: bool) -> Origin:
    if not (folder / "config.json").is_file():
        raise MtlserError(
            f"encoder {source!r}: the folder has no config.json; expected a model in Hugging "
            "Face layout; give another with `--set model.encoder=DIR`"
        )
    if revision is not None and not DIGEST.fullmatch(revision):
        raise MtlserError(
            f"model.revision = {revision!r}: encoder {source!r} is a folder, so 64 hex digits are "
            "expected, the digest of its files; leave it out, and the report's models say which"
        )
    seen = _digest(folder, folder.stat().st_mtime_ns) if remote or revision else ""
    if revision is not None and seen != revision:
        raise MtlserError(
            f"encoder {source!r}: its files have digest {seen[:12]}, model.revision says "
            f"{revision[:12]}; put those files back, or give `--set model.revision={seen}`"
        )
    return Origin(source, str(folder), seen)


@lru_cache(16)
def _digest(folder: Path, changed_ns: int) -> str:
    return storage.digest_folder(folder)


def not_found(source: str, place: str, reason: Exception | None = None) -> MtlserError:
    """The sentence on an encoder that is not there, or is none."""
    if Path(place).is_dir():
        return MtlserError(
            f"encoder {source!r}: the folder holds no model that transformers reads "
            f"({first_line(reason)}); copy it again from where it came from, or give another "
            "with `--set model.encoder=DIR`"
        )
    return MtlserError(
        f"encoder {source!r}: no such folder, and not to be had from the hub; allowed are "
        "`bundled`, a folder in Hugging Face layout, an s3:// address of one, or a hub name such "
        "as facebook/wav2vec2-base; give one with `--set model.encoder=...`, and the hub's commit "
        "with `--set model.revision=...`"
    )


def first_line(error: Exception | None) -> str:
    """The first line of an error's text."""
    return str(error).strip().partition("\n")[0].rstrip(".")[:200]
