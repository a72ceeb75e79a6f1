"""The wheel, the editable install and the bare checkout all find the kernels."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from checkout import ROOT

FIND = """
import site, sys
site.addsitedir(sys.argv[1])
import gpumask
from gpumask.backends.source import kernel_source, kernels_folder
assert "KERNEL(resample" in kernel_source("resample")
print(gpumask.__file__, kernels_folder(), sep="\\n")
"""

pytestmark = pytest.mark.skipif(not (ROOT / "pyproject.toml").is_file(), reason="not in a checkout")


def run(*command, cwd):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pip(*arguments, cwd):
    return run(sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments, cwd=cwd)


def found_from(site, cwd):
    """Where a new interpreter finds gpumask and its kernels."""
    package, kernels = run(sys.executable, "-c", FIND, str(site), cwd=cwd).split()
    return Path(package).parent, Path(kernels)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the checkout: building leaves traces."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("gpumask", "kernels", "pyproject.toml", "README.md", "LICENSE"):
        run("cp", "-r", str(ROOT / name), str(folder), cwd=ROOT)
    return folder


@pytest.fixture(scope="module")
def wheel(copy, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(copy), cwd=folder)
    return next(folder.glob("gpumask-*.whl"))


def test_the_wheel_has_every_module_kernel_and_data_file_and_the_type_marker(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"gpumask/kernels/{path.name}" for path in (ROOT / "kernels").glob("*.cu*")} <= names
    inside = [path for kind in ("*.py", "*.json") for path in (ROOT / "gpumask").rglob(kind)]
    assert {path.relative_to(ROOT).as_posix() for path in inside} <= names
    assert len(inside) > 20
    assert "gpumask/py.typed" in names


def test_the_wheel_finds_its_kernels(wheel, tmp_path):
    pip("install", "--quiet", "--no-deps", "--target", str(tmp_path / "site"), str(wheel), cwd=tmp_path)
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    code = FIND.replace("site.addsitedir(sys.argv[1])", "")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    package, kernels = map(Path, done.stdout.split())
    assert package.parent == tmp_path / "site" / "gpumask"
    assert kernels == tmp_path / "site" / "gpumask" / "kernels"


def test_the_bare_checkout_finds_its_kernels(copy, tmp_path):
    assert found_from(tmp_path, cwd=copy) == (copy / "gpumask", copy / "kernels")


@pytest.mark.exhaustive
def test_the_editable_install_finds_the_kernels_of_its_checkout(copy, tmp_path):
    pip("install", "--quiet", "--no-deps", "--target", str(tmp_path), "--editable", str(copy), cwd=tmp_path)
    for name in ("numpy", "numpy.libs"):  # all that gpumask imports; nothing else of this environment is seen
        installed = Path(np.__file__).parents[1] / name
        if installed.exists():
            (tmp_path / name).symlink_to(installed)
    output = run(sys.executable, "-I", "-S", "-c", FIND, str(tmp_path), cwd=tmp_path)
    package, kernels = map(Path, output.split())
    assert (package.parent, kernels) == (copy / "gpumask", copy / "kernels")
