"""What other libraries do not promise is named in one file for each, so that an update is cheap."""

import ast
from pathlib import Path

import pytest

from tests.helpers.house import ROOT
from tests.helpers.library_names import defined, used
from tests.helpers.top_imports import sources

PLACES = ("mtlser", "components", "pipeline", "infra", "benchmarks", "tests")
INTERNALS = {
    "mtlser/data/soundfile_internals.py",
    "mtlser/models/torch_internals.py",
    "mtlser/models/transformers_internals.py",
    "mtlser/training/search/optuna_internals.py",
    "pipeline/kfp_internals.py",
    "tests/helpers/torch_internals.py",
    "tests/helpers/kfp_internals.py",
    "tests/helpers/mlflow_internals.py",
}
PLANTED = {
    "from torch.utils._python_dispatch import TorchDispatchMode": "torch.utils._python_dispatch",
    "from torch.utils.flop_counter import flop_registry": "torch.utils.flop_counter.flop_registry",
    "import torch._dynamo": "torch._dynamo",
    "import torch\ntorch._int_mm(a, b)": "torch._int_mm",
    "import torch as t\nt.ops.aten._unique2": "torch.ops.aten._unique2",
    "from kfp.dsl.base_component import BaseComponent": "kfp.dsl.base_component.BaseComponent",
    "from kfp.dsl import pipeline_channel": "kfp.dsl.pipeline_channel",
    "from kfp_server_api import rest": "kfp_server_api.rest",
    "client._run_api.api_client": "client._run_api",
    "class Server(Client):\n  def a(self): return self._get_url_prefix()": "self._get_url_prefix",
    "call(_preload_content=False)": "_preload_content",
    "config._attn_implementation = 'sdpa'": "config._attn_implementation",
    "setattr(config, '_attn_implementation', 'sdpa')": "_attn_implementation",
    "patch('kfp.Client._LOCAL_KFP_CONTEXT')": "kfp.Client._LOCAL_KFP_CONTEXT",
    "def later():\n  from transformers.utils.hub import cached_file": "transformers.utils.hub",
    "import torch\ntorch._mine": "torch._mine",
}
"""Code that uses a library's internals -> what is reported of it first."""


def trees() -> dict[Path, ast.AST]:
    files = [path for place in PLACES for path in sources(place) if path != Path(__file__)]
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in files}


def test_internals_of_libraries_are_used_in_their_own_files_alone() -> None:
    parsed = trees()
    ours = defined(parsed)
    faults = {path.relative_to(ROOT).as_posix(): list(used(t, ours)) for path, t in parsed.items()}
    users = {path for path, lines in faults.items() if lines}
    elsewhere = {path: faults[path] for path in users - INTERNALS}
    assert not elsewhere, f"move these into {', '.join(sorted(INTERNALS))}: {elsewhere}"
    assert users >= INTERNALS, f"nothing is left in {sorted(INTERNALS - users)}: remove the file"


@pytest.mark.parametrize("code", PLANTED)
def test_a_planted_use_is_seen(code: str) -> None:
    lines = list(used(ast.parse(code), {"_mine"}))
    assert lines and lines[0][1].startswith(PLANTED[code])


@pytest.mark.parametrize(
    "code",
    [
        "import torch\nfrom torch import nn\nnn.Linear(1, 1)\ntorch.ops.aten.mv",
        "from kfp import dsl\nfrom kfp.components import BaseComponent",
        "self._mine\nother._mine\nsvm.call(_mine=1)",
        "Outputs._fields\nos._exit(1)\nself.__class__",
        "from transformers.utils import logging\nfrom transformers import AutoModel",
    ],
)
def test_what_is_public_or_ours_is_let_be(code: str) -> None:
    assert list(used(ast.parse(code), {"_mine"})) == []
