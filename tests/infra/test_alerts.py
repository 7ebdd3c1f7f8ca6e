"""`infra/alerts.yaml`: Prometheus' own tool takes its rules, and they fire when they should."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.helpers.house import ROOT
from tests.helpers.infra import INFRA

RULES = INFRA / "alerts.yaml"
CASES = Path(__file__).with_name("alerts_test.yaml")
FOREIGN = {"node_textfile_mtime_seconds"}
"""node_exporter's."""
SOURCES = (ROOT / "pipeline" / "server" / "metrics.py", ROOT / "mtlser" / "serving" / "counted.py")
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed: apt-get install prometheus"
)


def promtool(*words: str) -> str:
    done = subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@needs_promtool
def test_the_rules_are_valid() -> None:
    count = sum(len(each["rules"]) for each in yaml.safe_load(RULES.read_text())["groups"])
    assert f"SUCCESS: {count} rules found" in promtool("check", "rules", str(RULES))


@needs_promtool
def test_they_fire_when_they_should(tmp_path: Path) -> None:
    case = tmp_path / "alerts_test.yaml"
    case.write_text(CASES.read_text().replace("RULES", str(RULES)))
    assert "SUCCESS" in promtool("test", "rules", str(case))


def test_every_figure_that_a_rule_reads_is_told() -> None:
    told = set()
    for path in SOURCES:
        told |= set(re.findall(r'"(mtlser_\w+)"', path.read_text(encoding="utf-8")))
    rules = [rule for each in yaml.safe_load(RULES.read_text())["groups"] for rule in each["rules"]]
    for rule in rules:
        for name in re.findall(r"\b(?:mtlser|node)_\w+", rule["expr"]):
            base = re.sub(r"_(total|bucket)$", "", name)
            assert base in told | FOREIGN, f"{rule['alert']}: {name}"
