"""MLflow's database and artifacts are in the current folder, whatever its name."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mlflow import MlflowClient
from mlflow.utils import file_utils
from sqlalchemy.engine import make_url

from mtlser import recipe, tracking
from mtlser.errors import MtlserError
from mtlser.tracking import mlflow_parent, mlflow_runs, sqlite

FOLDERS = st.text(st.sampled_from('aB 0?#%&"`\\+@:;=~$()[]é😀́'), min_size=1, max_size=12).filter(
    lambda name: name not in {".", ".."}
)


@given(FOLDERS)
@example("what?")
@example("50%20")
@example("a#b")
@example("😀 & more")
def test_an_address_names_the_file_that_it_was_made_of(name: str) -> None:
    database = Path("/data") / name / "mlflow.db"
    address = sqlite.address(database)
    assert make_url(address).database == str(database)
    assert make_url(address).query == {}
    assert sqlite.path(address) == database


def test_plain_folders_keep_their_address() -> None:
    assert sqlite.address(Path("/tmp/a b@c/mlflow.db")) == "sqlite:////tmp/a b@c/mlflow.db"


@pytest.mark.parametrize("name", ["50%20 #1?", '😀 "a" & b; c:d'])
def test_store_and_artifacts_are_in_the_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    monkeypatch.chdir(folder)
    for variable in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "MTLSER_TRACKING"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(mlflow_runs, "SETTLE_S", 0.0)
    with tracking.parent(recipe.load("demo"), "job") as run:
        run.metrics({"wa": 0.5})
        token = run.token()
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]
    assert {path.name for path in folder.iterdir()} == {"mlflow.db", "mlruns"}
    assert [path.name for path in folder.rglob("recipe.toml")] == ["recipe.toml"]
    again = tracking.from_token(token)
    assert again.steps("wa") == {0}
    client = MlflowClient(tracking_uri=tracking.existing_uri("the run"))
    assert [each.path for each in client.list_artifacts(str(again.id))] == ["recipe.toml"]


@given(FOLDERS)
def test_artifacts_lie_beside_the_database(name: str) -> None:
    place = mlflow_parent._artifacts(sqlite.address(Path("/data") / name / "mlflow.db"), "x/y")
    assert place is not None
    read: Any = file_utils.local_file_uri_to_path  # MLflow does not annotate it
    assert read(place) == f"/data/{name}/mlruns/x/y"


@pytest.mark.parametrize(
    ("folder", "why"), [("caf\udce9", "is not UTF-8"), ("it's", "holds an apostrophe")]
)
def test_a_folder_that_mlflow_cannot_use_is_one_sentence(folder: str, why: str) -> None:
    with pytest.raises(MtlserError, match=f"{why}.*MLFLOW_TRACKING_URI"):
        sqlite.address(Path("/data") / folder / "mlflow.db")
