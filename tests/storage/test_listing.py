"""Whether what lies outside a run has changed."""

import os
from pathlib import Path

from mtlser import storage
from mtlser.storage import listing


def test_a_digest_sees_names_sizes_and_times_but_not_the_place(tmp_path: Path) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.wav").write_text("a")
    here, there = str(tmp_path / "here"), str(tmp_path / "there")
    seen = (tmp_path / "here" / "a.wav").stat().st_mtime_ns
    os.utime(tmp_path / "there" / "a.wav", ns=(seen, seen))
    assert listing.digest(here) == listing.digest(there)
    (tmp_path / "there" / "a.wav").write_text("ab")
    assert listing.digest(here) != listing.digest(there)
    assert listing.digest("bundled") != listing.digest("other")


def test_a_digest_sees_what_is_on_s3(s3: str) -> None:
    before = listing.digest(s3)
    with storage.output(s3) as folder:
        (folder / "a.wav").write_text("a")
    after = listing.digest(s3)
    assert before != after == listing.digest(s3)
