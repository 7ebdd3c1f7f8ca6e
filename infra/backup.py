"""Saves MLflow's database and artifacts together, or puts them back into a platform.

    python3 infra/backup.py save backup/2026-11-29
    python3 infra/backup.py restore backup/2026-11-29 --yes

It speaks to the services of `infra/compose.yaml` (`--compose`: how they are reached), or with
`--namespace` to those of `infra/kustomize`. The database is saved first: files of runs are only
ever added, so what the rows of that moment name is in the bucket.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

BUCKET = "mlflow"
DATABASE, OBJECTS, RECORD = "database.dump", "objects.tar", "backup.json"
SAVE = """
import io, sys, tarfile, boto3
s3, count = boto3.client("s3"), 0
with tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.PAX_FORMAT) as archive:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=sys.argv[1]):
        for each in page.get("Contents", ()):
            try:
                answer = s3.get_object(Bucket=sys.argv[1], Key=each["Key"])
            except s3.exceptions.NoSuchKey:
                continue  # deleted meanwhile
            entry = tarfile.TarInfo(each["Key"])
            entry.size = answer["ContentLength"]
            archive.addfile(entry, answer["Body"])
"""
"""Runs beside MLflow, which may read the bucket: all objects as one archive."""
RESTORE = """
import sys, tarfile, boto3
s3 = boto3.client("s3")
with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive:
    for entry in archive:
        body = archive.extractfile(entry)
        s3.put_object(Bucket=sys.argv[1], Key=entry.name, Body=body.read())
"""


@dataclass(frozen=True)
class Platform:
    """How the services are reached."""

    compose: tuple[str, ...]
    namespace: str

    def inside(self, service: str, *command: str) -> list[str]:
        """A command in the container of a service, which reads this one's input."""
        if self.namespace:
            name = {"postgres": "postgres-0", "mlflow": "deployment/mlflow"}[service]
            return ["kubectl", "exec", "-i", "-n", self.namespace, name, "--", *command]
        return [*self.compose, "exec", "-T", service, *command]

    def serve(self, *, on: bool) -> list[str]:
        """Starts or stops MLflow's server."""
        if self.namespace:
            scale = ("scale", "-n", self.namespace, "deployment/mlflow", f"--replicas={int(on)}")
            return ["kubectl", *scale]
        return [*self.compose, "start" if on else "stop", "mlflow"]


def run(command: list[str], read: IO[bytes] | None = None, write: IO[bytes] | None = None) -> None:
    """Runs a command from one file to another; ends this program where it fails."""
    done = subprocess.run(
        command, stdin=read or subprocess.DEVNULL, stdout=write or subprocess.DEVNULL,
        stderr=subprocess.PIPE, check=False,
    )  # fmt: skip
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        sys.exit(f"{' '.join(command[:8])} ...: {said[-1]}")


def sha256(path: Path) -> str:
    """Digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def objects(path: Path) -> int:
    """Objects in an archive, which is read to its end."""
    with tarfile.open(path) as archive:
        return sum(1 for _ in archive)


def save(platform: Platform, folder: Path) -> None:
    """Writes a new backup folder; its record is written last."""
    if folder.exists() and any(folder.iterdir()):
        sys.exit(f"{folder}: is not empty; give a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    taken = datetime.now(UTC)
    dump = ("pg_dump", "--username=mlflow", "--format=custom", "mlflow")
    with (folder / DATABASE).open("wb") as file:
        run(platform.inside("postgres", *dump), write=file)
    with (folder / OBJECTS).open("wb") as file:
        run(platform.inside("mlflow", "python", "-c", SAVE, BUCKET), write=file)
    record = {
        "format": 1,
        "taken": taken.isoformat(timespec="seconds"),
        "objects": objects(folder / OBJECTS),
        "sha256": {name: sha256(folder / name) for name in (DATABASE, OBJECTS)},
    }
    (folder / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"saved: {folder}, as of {record['taken']}, {record['objects']} objects\n")


def checked(folder: Path) -> dict[str, object]:
    """The record of a backup that is whole."""
    if not (folder / RECORD).is_file():
        sys.exit(f"{folder}: no {RECORD}, so no finished backup; give the folder of one")
    record: dict[str, object] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    for name, expected in dict(record["sha256"]).items():  # type: ignore[call-overload]
        if not (folder / name).is_file() or sha256(folder / name) != expected:
            sys.exit(f"{folder / name}: not the file that was saved; give another backup")
    return record


def restore(platform: Platform, folder: Path) -> None:
    """Puts a backup in place of what the platform holds."""
    record = checked(folder)
    with (folder / OBJECTS).open("rb") as file:
        run(platform.inside("mlflow", "python", "-c", RESTORE, BUCKET), read=file)
    run(platform.serve(on=False))
    replace = ("pg_restore", "--username=mlflow", "--dbname=mlflow", "--clean", "--if-exists")
    with (folder / DATABASE).open("rb") as file:
        run(platform.inside("postgres", *replace, "--single-transaction"), read=file)
    run(platform.serve(on=True))
    sys.stdout.write(f"restored: {folder}, as of {record['taken']}, {record['objects']} objects\n")


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=("save", "restore"))
    parser.add_argument("folder", type=Path, help="of the backup")
    parser.add_argument("--compose", default="docker compose -f infra/compose.yaml")
    parser.add_argument("--namespace", default="", help="of the platform on a cluster")
    parser.add_argument("--yes", action="store_true", help="replace what the platform holds")
    given = parser.parse_args()
    platform = Platform(tuple(given.compose.split()), given.namespace)
    if given.command == "save":
        save(platform, given.folder)
    elif given.yes:
        restore(platform, given.folder)
    else:
        record = checked(given.folder)
        sys.exit(
            f"this replaces all that the platform's database holds by what it held at "
            f"{record['taken']}: run it again with --yes"
        )


if __name__ == "__main__":
    main()
