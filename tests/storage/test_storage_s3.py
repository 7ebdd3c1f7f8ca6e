"""S3 places: whole or nothing, fetched once, resumable."""

from pathlib import Path
from unittest import mock

import boto3
import botocore.loaders
import pytest
from boto3.exceptions import Boto3Error

from mtlser import storage
from mtlser.errors import MtlserError
from mtlser.storage.s3 import client as objects
from mtlser.storage.s3 import fetching, session
from tests.conftest import S3_PASSWORD, S3_USER
from tests.helpers.places import content, fill


def key(location: str, name: str) -> dict[str, str]:
    place = objects.Place.parse(location)
    return {"Bucket": place.bucket, "Key": place.key(name)}


def test_s3_round_trip(s3: str) -> None:
    with storage.output(f"{s3}/out") as folder:
        fill(folder, a="1", sub__deep__b="2", empty="")
        digest = storage.digest_folder(folder)
    fetched = storage.fetch(f"{s3}/out/")
    assert content(fetched) == {"a": "1", "sub/deep/b": "2", "empty": ""}
    assert storage.digest_folder(fetched) == digest
    assert storage.fetch(f"{s3}/out/sub/deep/b").read_text() == "2"


def test_s3_pages_and_multipart(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "PAGE", 7)
    with storage.output(f"{s3}/many") as folder:
        fill(folder, **{f"d{number % 3}__{number:04d}": str(number) for number in range(40)})
        (folder / "large").write_bytes(b"0123456789abcdef" * (1 << 20))
    fetched = storage.fetch(f"{s3}/many")
    assert len(list(fetched.rglob("*"))) == 40 + 3 + 1
    assert (fetched / "large").stat().st_size == 16 << 20


def test_s3_fetches_only_what_changed(s3: str) -> None:
    with storage.output(f"{s3}/out") as folder:
        fill(folder, same="1", other="2")
    first = storage.fetch(f"{s3}/out")
    assert storage.fetch(f"{s3}/out") == first
    with storage.output(f"{s3}/out") as folder:
        fill(folder, same="1", new="33")
    taken: list[str] = []
    download = fetching._download

    def spy(client: object, place: objects.Place, remote: objects.Remote, cache: Path) -> None:
        if not fetching._stored(place, remote, cache).is_file():
            taken.append(remote.name)
        download(client, place, remote, cache)

    with mock.patch.object(fetching, "_download", spy):
        second = storage.fetch(f"{s3}/out")
    assert taken == ["new"]
    assert content(second) == {"same": "1", "new": "33"}
    assert content(first) == {"same": "1", "other": "2"}


def test_s3_what_is_replaced_stays_as_an_old_version(s3: str) -> None:
    for text in ("first", "second"):
        with storage.output(f"{s3}/out") as folder:
            fill(folder, **{text: text})
    assert content(storage.fetch(f"{s3}/out")) == {"second": "second"}
    place = objects.Place.parse(f"{s3}/out")
    listed = [remote.name for remote in objects.listed(objects.connect(), place)]
    (first,) = [name for name in listed if name.endswith("/first")]
    old = storage.fetch(f"{s3}/out/{first.removesuffix('/first')}")
    assert content(old) == {"first": "first"}


def test_s3_prefix_is_a_folder_not_the_start_of_a_name(s3: str) -> None:
    for name in ("run", "run-2"):
        with storage.output(f"{s3}/{name}") as folder:
            fill(folder, name=name)
    assert content(storage.fetch(f"{s3}/run")) == {"name": "run"}


def test_s3_release_without_a_marker_is_read_whole(s3: str, s3_server: str) -> None:
    client = boto3.client("s3", endpoint_url=s3_server)
    client.put_object(**key(s3, "raw/wav/a.wav"), Body=b"x")
    client.put_object(**key(s3, "raw/wav/"), Body=b"")
    assert content(storage.fetch(f"{s3}/raw")) == {"wav/a.wav": "x"}


def test_s3_half_upload_is_never_read_and_a_retry_heals_it(s3: str) -> None:
    with (
        mock.patch.object(objects, "parallel", side_effect=Boto3Error("connection lost")),
        pytest.raises(MtlserError, match="connection lost"),
        storage.output(f"{s3}/out") as folder,
    ):
        fill(folder, new="2")
    for place in (f"{s3}/out", s3):
        with pytest.raises(MtlserError, match=r"not(hing there| finished)"):
            storage.fetch(place)
    with storage.output(f"{s3}/out") as folder:
        fill(folder, new="2")
    assert content(storage.fetch(f"{s3}/out")) == {"new": "2"}


def test_s3_lost_object_is_noticed(s3: str, s3_server: str) -> None:
    with storage.output(f"{s3}/out") as folder:
        fill(folder, a="1", b="2")
    client = boto3.client("s3", endpoint_url=s3_server)
    place = objects.Place.parse(f"{s3}/out")
    (stored,) = [r for r in objects.listed(client, place) if r.name.endswith("/b")]
    client.put_object(Bucket=place.bucket, Key=stored.key, Body=b"3")
    with pytest.raises(MtlserError, match="not the file that was uploaded"):
        storage.fetch(f"{s3}/out")
    client.delete_object(Bucket=place.bucket, Key=stored.key)
    with pytest.raises(MtlserError, match="absent, though it is part of"):
        storage.fetch(f"{s3}/out")


def test_s3_failing_block_uploads_nothing(s3: str) -> None:
    with pytest.raises(RuntimeError), storage.output(f"{s3}/out") as folder:
        fill(folder, a="half")
        raise RuntimeError
    with pytest.raises(MtlserError, match="nothing there"):
        storage.fetch(f"{s3}/out")
    assert not any((storage.cache_folder() / "outgoing").iterdir())


def test_s3_work_is_found_again(s3: str) -> None:
    with pytest.raises(RuntimeError), storage.work("", f"{s3}/out") as first:
        fill(first, state="epoch 3")
        raise RuntimeError
    with storage.work("", f"{s3}/out/") as again:
        assert content(again) == {"state": "epoch 3"}
    assert not again.exists()


def test_s3_refusals_are_one_sentence(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MtlserError, match="no-such-bucket"):
        storage.fetch("s3://no-such-bucket/x")
    with pytest.raises(MtlserError, match="no-such-bucket"), storage.output("s3://no-such-bucket"):
        pytest.fail("the block must not run")
    with pytest.raises(MtlserError, match="no bucket"):
        storage.fetch("s3://")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(MtlserError, match="AWS_SECRET_ACCESS_KEY") as refused:
        storage.fetch(s3)
    assert "\n" not in str(refused.value)


def test_s3_endpoint_of_mlflow_serves_too(
    s3: str, s3_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with storage.output(f"{s3}/out") as folder:
        fill(folder, a="1")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", s3_server)
    assert content(storage.fetch(f"{s3}/out")) == {"a": "1"}


def test_s3_keys_cannot_lead_out(s3: str) -> None:
    client = mock.Mock()
    place = objects.Place.parse(s3)
    entry = {"Key": f"{place.prefix}/../../etc/passwd", "ETag": '"0"', "Size": 1}
    client.get_paginator.return_value.paginate.return_value = [{"Contents": [entry]}]
    with pytest.raises(MtlserError, match="lead out"):
        list(objects.listed(client, place))


def test_sessions_share_what_botocore_read_but_no_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names, loaders = [], []
    create = botocore.loaders.create_loader

    def counted(data_path: str | None) -> object:
        loaders.append(create(data_path))
        return loaders[-1]

    monkeypatch.setattr(botocore.loaders, "create_loader", counted)
    session._described.cache_clear()
    for name in ("first", "second"):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", name)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        made = session.session()
        names.append(made.get_credentials().access_key)
    assert names == ["first", "second"]
    (loader,) = loaders
    assert len(loader.search_paths) == len(set(loader.search_paths))


def test_mtlser_s_own_variables_come_before_amazon_s(
    s3: str, s3_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a step of Kubeflow, whose launcher has Amazon's of another store."""
    for name, value in (("ENDPOINT_URL", s3_server), ("ACCESS_KEY_ID", S3_USER),
                        ("SECRET_ACCESS_KEY", S3_PASSWORD)):  # fmt: skip
        monkeypatch.setenv(f"MTLSER_S3_{name}", value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "launcher")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with storage.output(f"{s3}/own") as folder:
        fill(folder, a="1")
    assert content(storage.fetch(f"{s3}/own")) == {"a": "1"}
    monkeypatch.delenv("MTLSER_S3_SECRET_ACCESS_KEY")  # half of a pair is none
    assert session.session().get_credentials().access_key == "launcher"
