"""The image: without root, on a read-only file system, with its code in a small layer."""

import json
import re
from importlib.metadata import version
from typing import Any

import pytest

from components import IMAGE

SMALL = 40e6
"""Bytes: what a change of the code may cost a registry."""


def run(engine: Any, *command: str, **more: Any) -> str:
    out = engine.containers.run(
        IMAGE,
        list(command),
        remove=True,
        read_only=True,
        network_mode="none",
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        tmpfs={"/tmp": "", "/home/mtlser": "uid=10001"},
        **more,
    )
    return str(out.decode())


def test_it_runs_without_root_on_a_read_only_root(engine: Any) -> None:
    assert run(engine, "id", "-u").strip() == "10001"
    written = run(engine, "sh", "-c", "touch /opt/mtlser/x /x 2>&1 || echo refused")
    assert written.endswith("refused\n")
    assert "demo" in run(engine, "mtlser", "recipes")


def test_every_stage_s_packages_load(engine: Any) -> None:
    loaded = "import torch, torchaudio, transformers, mlflow, optuna, kfp, psycopg2, boto3, skops"
    run(engine, "python3", "-c", loaded)


def test_it_compiles_a_dag_with_the_shipped_profiles(engine: Any) -> None:
    command = "mtlser-pipeline compile --out /tmp/out --profile gpu-pool && ls /tmp/out"
    assert "retrain.yaml" in run(engine, "sh", "-c", command)


def test_it_predicts_with_the_bundled_parts_and_no_network(engine: Any) -> None:
    script = (
        "from mtlser.models import bundle; from mtlser.recipe import load; "
        "r = load('demo'); print(bundle.build(r.model, 4, 10).encoder.width)"
    )
    assert run(engine, "python3", "-c", script).strip().isdigit()


def test_the_code_is_a_small_layer_of_its_own(engine: Any) -> None:
    layers = engine.images.get(IMAGE).history()
    code, sbom, packages = (layer["Size"] for layer in layers if "COPY" in layer["CreatedBy"])
    assert code < SMALL
    assert sbom < SMALL / 10
    assert packages > 10 * SMALL


def test_its_labels_say_where_it_is_from_and_what_it_holds(engine: Any) -> None:
    labels = engine.images.get(IMAGE).labels
    prefix = "org.opencontainers.image."
    assert labels[f"{prefix}title"] == "mtlser"
    assert labels[f"{prefix}licenses"] == "Apache-2.0"
    assert labels[f"{prefix}version"] == version("mtlser")
    assert labels[f"{prefix}revision"]
    assert labels[f"{prefix}base.name"]
    bom = json.loads(run(engine, "sh", "-c", f"cat {labels['io.mtlser.sbom']}; echo"))
    assert bom["bomFormat"] == "CycloneDX"
    assert bom["metadata"]["component"]["name"] == "mtlser"
    listed = {(canonical(each["name"]), each["version"]) for each in bom["components"]}
    frozen = run(engine, "python3", "-m", "pip", "list", "--format=json")
    held = {(canonical(each["name"]), each["version"]) for each in json.loads(frozen)}
    assert {each for each in held - listed if each[0] != "mtlser"} == set()
    without = [each["name"] for each in bom["components"] if not each.get("licenses")]
    assert len(without) < len(listed) / 10, without


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_nothing_secret_and_no_build_argument_is_in_it(engine: Any) -> None:
    image = engine.images.get(IMAGE)
    outcome = json.dumps([image.history(), image.attrs["Config"]])
    for word in ("certificate", "PIP_INDEX_URL", "PASSWORD", "SECRET"):
        assert word not in outcome
    assert run(engine, "sh", "-c", "ls -d /certificates 2>&1 || true").startswith("ls:")


def test_it_is_healthy_once_its_server_answers(engine: Any) -> None:
    check = engine.images.get(IMAGE).attrs["Config"]["Healthcheck"]["Test"]
    assert check[0] == "CMD"
    with pytest.raises(Exception, match="Connection refused"):
        run(engine, *check[1:])


def test_files_belong_to_root_and_nobody_else_may_write_them(engine: Any) -> None:
    result = run(engine, "sh", "-c", "find /opt/mtlser ! -user root -o -perm -o+w ! -type l | head")
    assert result == ""
