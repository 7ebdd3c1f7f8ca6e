"""Where encoders come from: S3 and the hub, pinned by digest and commit, and said where not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mtlser import storage
from mtlser.errors import MtlserError
from mtlser.evaluation import notes
from mtlser.models import bundle, origin
from mtlser.models.encoder import load_encoder
from mtlser.recipe import ModelRecipe, load
from mtlser.records import FOUR, FoldPlan
from tests.helpers.factories import make_recipe
from tests.helpers.house import ROOT
from tests.helpers.networks import write_encoder

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PLACE = "s3://mtlser/encoders/tiny"


@pytest.fixture
def on_s3(s3: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A random encoder on S3; its digest."""
    monkeypatch.setenv("MTLSER_CACHE", str(tmp_path / "cache"))
    with storage.output(PLACE) as folder:
        write_encoder(folder)
        return storage.digest_folder(folder)


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(*pair) for pair in pairs)


def test_an_encoder_on_s3_loads_and_tells_its_digest(on_s3: str, tmp_path: Path) -> None:
    there = load_encoder(PLACE)
    assert same(there, load_encoder(write_encoder(tmp_path / "here")))
    assert there.revision == on_s3
    assert same(load_encoder(PLACE, on_s3), there)


def test_an_encoder_on_s3_that_was_exchanged_is_refused(on_s3: str) -> None:
    with storage.output(PLACE) as folder:
        write_encoder(folder, norm="group")
    with pytest.raises(MtlserError, match=rf"model\.revision says {on_s3[:12]}; put those files"):
        load_encoder(PLACE, on_s3)
    load_encoder(PLACE)


def test_a_model_of_heads_alone_finds_its_encoder_on_s3(on_s3: str, tmp_path: Path) -> None:
    wanted = ModelRecipe(encoder=PLACE, trainable="heads")
    network = bundle.build(wanted, len(FOUR), 2)
    description = bundle.Description(
        emotions=FOUR, speakers=("a", "b"), language="en", model=wanted, recipe_hash="0",
        encoder_digest=bundle.encoder_digest(network.encoder),
        encoder_revision=network.encoder.revision, whole=False,
    )  # fmt: skip
    bundle.save(bundle.TrainedModel(network, description), tmp_path / "model")
    assert same(bundle.load(tmp_path / "model").network, network)
    with storage.output(PLACE) as folder:
        write_encoder(folder, norm="group")
    with pytest.raises(MtlserError, match=f"says {on_s3[:12]}"):
        bundle.load(tmp_path / "model")


def test_a_folder_is_compared_with_the_digest_that_is_given(tmp_path: Path) -> None:
    place = write_encoder(tmp_path / "encoder")
    digest = storage.digest_folder(tmp_path / "encoder")
    assert load_encoder(place).revision == ""
    assert load_encoder(place, digest).revision == digest
    with pytest.raises(MtlserError, match=r"`--set model\.revision="):
        load_encoder(place, "0" * 64)
    with pytest.raises(MtlserError, match=r"model\.revision = 'main': .* 64 hex digits"):
        load_encoder(place, "main")


def on_hub(cache: Path) -> None:
    """What the hub's client keeps of `someone/tiny`: one commit, which `main` names."""
    repository = cache / "models--someone--tiny"
    write_encoder(repository / "snapshots" / COMMIT)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)


HUB = """
import json, sys
from mtlser.errors import MtlserError
from mtlser.models.encoder import load_encoder
told = []
for revision in (None, "main", "%(commit)s", "%(other)s"):
    try:
        told.append(load_encoder("someone/tiny", revision).revision)
    except MtlserError as error:
        told.append(str(error))
print(json.dumps(told))
"""


def test_a_hub_name_takes_a_revision_and_tells_its_commit(tmp_path: Path) -> None:
    on_hub(tmp_path / "hub")
    other = "f" * 40
    done = subprocess.run(
        [sys.executable, "-c", HUB % {"commit": COMMIT, "other": other}],
        env={
            "PYTHONPATH": str(ROOT), "HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1",
            "HOME": str(tmp_path), "PATH": "",
        },
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    *loaded, refused = json.loads(done.stdout)
    assert loaded == [COMMIT, COMMIT, COMMIT]
    assert "someone/tiny" in refused and "not to be had from the hub" in refused


@pytest.mark.parametrize(
    ("encoder", "revision", "pinned"),
    [
        ("bundled", None, True),
        ("./mine", None, True),
        ("facebook/wav2vec2-base", None, False),
        ("facebook/wav2vec2-base", "main", False),
        ("facebook/wav2vec2-base", COMMIT, True),
        ("s3://bucket/encoder", None, False),
        ("s3://bucket/encoder", "0" * 64, True),
    ],
)
def test_a_report_says_where_the_encoder_is_not_pinned(
    encoder: str, revision: str | None, pinned: bool
) -> None:
    pin = (f"model.revision={revision}",) if revision else ()
    recipe = make_recipe(f"model.encoder={encoder}", *pin)
    assert recipe.model.pinned == pinned
    plan = FoldPlan(protocol="loso", seed=0, manifest_digest="0", folds=())
    said = [note for note in notes.plan_notes(plan, recipe, recipe.hash, 0.0) if "pinned" in note]
    assert said == ([] if pinned else said[:1])
    assert pinned or said[0].startswith(f"The encoder {encoder} is not pinned (model.revision)")


def test_a_revision_that_can_pin_nothing_is_refused() -> None:
    for revision, sentence in ((COMMIT, "ships with the package"), ("../x y", "match pattern")):
        with pytest.raises(MtlserError, match=sentence):
            load("demo", (f"model.revision={revision}",))


def test_a_revision_changes_the_hash_and_none_does_not() -> None:
    plain = make_recipe("model.encoder=a/b")
    assert plain.hash != make_recipe("model.encoder=a/b", f"model.revision={COMMIT}").hash
    assert load("demo").hash == "21842a11dcdb"


def test_the_bundled_encoder_is_part_of_the_package() -> None:
    assert origin.locate("bundled").place == str(origin.BUNDLED)
