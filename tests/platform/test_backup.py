"""A backup of the platform, restored into a new one: the champion is there and predicts."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

import mtlser
from tests.helpers.infra import INFRA
from tests.helpers.retraining import CHAMPION, NAME, champion, measured, plan, registered
from tests.helpers.trained import write_model, write_wav
from tests.platform.compose import SECRETS, Composed, composition

pytestmark = pytest.mark.timeout(900)


def backup(held: Composed, *words: str) -> subprocess.CompletedProcess[str]:
    compose = " ".join(held.command)
    return subprocess.run(
        [sys.executable, str(INFRA / "backup.py"), *words, "--compose", compose],
        env=held.environment, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


def use(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.setenv(name, address)


def predicted(clip: Path) -> Any:
    return mtlser.predict(mtlser.load_model(f"models:/{NAME}@champion"), [str(clip)])


def test_a_backup_is_restored_into_a_new_platform(
    engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = write_wav(tmp_path / "clip.wav")
    folder = tmp_path / "backup"
    with composition(engine, tmp_path / "one") as held:
        use(held.address, monkeypatch)
        side = measured(CHAMPION, 0.8, plan())
        registered(write_model(tmp_path).parent, side, CHAMPION, "one", tmp_path)
        before = predicted(clip)
        done = backup(held, "save", str(folder))
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"saved: {folder}, as of ")
    assert json.loads((folder / "backup.json").read_text())["objects"] > 3

    with composition(engine, tmp_path / "two") as held:
        client = MlflowClient(held.address, registry_uri=held.address)
        assert client.search_registered_models() == []
        refused = backup(held, "restore", str(folder))
        assert (refused.returncode, "run it again with --yes" in refused.stderr) == (1, True)
        done = backup(held, "restore", str(folder), "--yes")
        assert done.returncode == 0, done.stderr
        held.answers()
        use(held.address, monkeypatch)
        assert champion() == 1
        assert predicted(clip) == before

        (folder / "objects.tar").write_bytes(b"damaged")
        refused = backup(held, "restore", str(folder), "--yes")
        assert "not the file that was saved" in refused.stderr
    text = (folder / "backup.json").read_text() + done.stdout + done.stderr
    assert not [secret for secret in SECRETS.values() if secret in text]
