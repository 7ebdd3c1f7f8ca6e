"""The wheel: what an installation puts into site-packages, and that it works without a checkout."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from mtlser.cli import kubeflow

ROOT = Path(__file__).parents[2]
PACKAGED = {
    "mtlser": "mtlser",
    "components": "mtlser/_kubeflow/components",
    "pipeline": "mtlser/_kubeflow/pipeline",
    "infra/profiles": "mtlser/_kubeflow/infra/profiles",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what the wheel installs."""
    built = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", built, ROOT],
        check=True,
        capture_output=True,
    )
    assert len(list(built.glob("*.tar.gz"))) == 1
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(built / "site")
    return built / "site"


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z", *PACKAGED], check=True, capture_output=True, text=True
    )
    return [Path(name) for name in listed.stdout.split("\0") if name]


def test_one_top_level_package_is_installed(site: Path) -> None:
    names = {path.name.split("-")[0] for path in site.iterdir()}
    assert names == {"mtlser"}


def test_every_file_of_the_packages_is_in_it(site: Path) -> None:
    places = {
        PACKAGED[folder] + path.as_posix().removeprefix(folder): path
        for path in tracked()
        for folder in PACKAGED
        if path.as_posix().startswith(folder + "/")
    }
    assert len(places) > 200
    for place, path in places.items():
        assert (site / place).read_bytes() == (ROOT / path).read_bytes(), place


def test_the_pipelines_compile_outside_the_checkout(site: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from mtlser.cli.kubeflow import main\n"
        "sys.argv[1:] = ['compile', '--out', 'o']"
        "\ntry: main()\n"
        "finally: import pipeline, components, os; print(pipeline.__file__, components.__file__);"
        "print(os.environ['PYTHONPATH'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(site), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    inside = site / "mtlser" / "_kubeflow"
    assert f"{inside}/pipeline/__init__.py {inside}/components/__init__.py" in done.stdout
    assert done.stdout.endswith(f"{inside}:{site}\n")
    assert (tmp_path / "o" / "crossval.yaml").is_file()


def test_a_checkout_is_its_own_folder() -> None:
    assert kubeflow.folder() == ROOT
    assert (kubeflow.folder() / "pipeline" / "cli.py").is_file()
