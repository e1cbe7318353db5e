"""The extension as Slicer would package it: nothing is forgotten, and what is packaged starts."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cmake
import pytest

ROOT = Path(__file__).resolve().parents[2]
STAND_IN = ROOT / "Testing" / "CMake"
CMAKE = Path(cmake.CMAKE_BIN_DIR) / "cmake"
MODULES = Path("lib/Slicer-5.12/qt-scripted-modules")
#: Keys that the catalog's schema v1.0.2 allows; others are refused there.
CATALOG_KEYS = {
    "$schema", "category", "scm_url", "scm_revision", "scm_type", "build_dependencies", "dicom_support_rule",
    "build_subdirectory", "enabled", "tier",
}  # fmt: skip


def configure(source: Path, build: Path) -> subprocess.CompletedProcess[str]:
    command = [str(CMAKE), "-S", str(source), "-B", str(build), f"-DSlicer_DIR={STAND_IN}", "-DBUILD_TESTING=ON"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build")
    done = configure(ROOT, folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def installed(build: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    subprocess.run([CMAKE, "--install", build, "--prefix", folder], check=True, capture_output=True)
    return folder / MODULES


def committed(*folders: str) -> set[str]:
    listing = subprocess.run(["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True, check=True)
    return {line for line in listing.stdout.splitlines() if (ROOT / line).exists()}


def test_every_file_is_packaged(installed: Path) -> None:
    packaged = {path.relative_to(installed).as_posix() for path in installed.rglob("*") if path.is_file()}
    wanted = {name.removeprefix("RSuper/") for name in committed("RSuper", "RSuperLib")}
    wanted -= {"CMakeLists.txt", "RSuperLib/CMakeLists.txt"}
    assert wanted - packaged == set()


def test_a_file_that_is_not_listed_is_noticed(tmp_path: Path) -> None:
    """The test above cannot pass by packaging whole folders of the module."""
    for name in committed("RSuper", "RSuperLib", "CMakeLists.txt", "README.md", "LICENSE.txt"):
        (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / "source" / name)
    (tmp_path / "source" / "RSuper" / "RSuperUI" / "Forgotten.py").write_text('"""Not in CMakeLists.txt."""\n')
    assert configure(tmp_path / "source", tmp_path / "build").returncode == 0
    subprocess.run([CMAKE, "--install", tmp_path / "build", "--prefix", tmp_path / "out"], check=True)
    assert not (tmp_path / "out" / MODULES / "RSuperUI" / "Forgotten.py").exists()
    (tmp_path / "source" / "RSuper" / "RSuperUI" / "State.py").unlink()
    missing = configure(tmp_path / "source", tmp_path / "build")
    assert missing.returncode != 0
    assert "State.py" in missing.stderr


def test_the_packaged_library_starts_by_itself(installed: Path) -> None:
    """From the package alone: no part of it is taken from the sources or from an installed RSuperLib."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import RSuperLib\n"
        "from RSuperLib.worker import Worker\n"
        "assert RSuperLib.__file__.startswith(sys.argv[1]), RSuperLib.__file__\n"
        "with Worker() as worker:\n"
        "    reading = worker.run('read', {'text': 'Liver: 2.3 cm hypodense mass in segment 7.'})\n"
        "print(reading['findings'][0]['organ'])\n"
    )
    command = [sys.executable, "-c", code, str(installed)]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "liver", done.stderr


def test_what_slicer_imports_needs_no_other_package(installed: Path) -> None:
    """In Slicer's own process RSuper may import only what Slicer ships."""
    code = (
        "import sys; sys.path[:] = [sys.argv[1], *(p for p in sys.path if 'site-packages' not in p)]\n"
        "import RSuperLib.worker, RSuperLib.worker.protocol, RSuperLib.io.errors\n"
        "import RSuperLib.anatomy.table, RSuperLib.export.colours\n"
        "RSuperLib.anatomy.table.part('left kidney')\n"
    )
    command = [sys.executable, "-I", "-S", "-c", code, str(installed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_no_file_of_the_module_imports_another_package() -> None:
    allowed = {"slicer", "qt", "ctk", "vtk", "RSuperUI", "RSuperLib"} | set(sys.stdlib_module_names)
    for name in committed("RSuper"):
        if name.endswith(".py"):
            text = (ROOT / name).read_text(encoding="utf-8")
            modules = re.findall(r"^(?:import|from) ([\w]+)", text, flags=re.MULTILINE)
            assert set(modules) <= allowed, name


def facts_of(build: Path) -> dict[str, str]:
    lines = (build / "extension.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_s4ext_json_and_cmake_agree(build: Path) -> None:
    cmake_facts = facts_of(build)
    catalog = json.loads((ROOT / "RSuper.json").read_text(encoding="utf-8"))
    lines = (ROOT / "RSuper.s4ext").read_text(encoding="utf-8").splitlines()
    s4ext = dict(line.partition(" ")[::2] for line in lines if line and not line.startswith("#"))
    assert set(catalog) <= CATALOG_KEYS
    assert cmake_facts["NAME"] == "RSuper"
    assert cmake_facts["DEPENDS"] == s4ext["depends"] == " ".join(catalog["build_dependencies"])
    for key in ("homepage", "contributors", "description", "iconurl", "screenshoturls"):
        assert cmake_facts[key.upper()] == s4ext[key], key
    for key, name in (("category", "category"), ("scm_url", "scmurl"), ("scm_revision", "scmrevision")):
        assert catalog[key] == s4ext[name], key
    assert str(catalog["tier"]) == s4ext["tier"]
    assert f'"{catalog["category"]}"' in (ROOT / "RSuper" / "RSuper.py").read_text(encoding="utf-8")


def test_what_the_addresses_name_is_there(build: Path) -> None:
    facts = facts_of(build)
    for key in ("ICONURL", "SCREENSHOTURLS"):
        for address in facts[key].split():
            path = ROOT / address.removeprefix(f"{facts['HOMEPAGE']}/raw/main/")
            assert path.suffix == ".png"
            assert path.exists(), address


def test_requirements_leave_slicers_own_packages_alone() -> None:
    lines = (ROOT / "RSuper" / "Resources" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    requirements = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w-]+>=[\d.]+", line) for line in requirements)
    names = {line.split(">=")[0].lower() for line in requirements}
    assert not names & {"numpy", "scipy", "simpleitk", "vtk", "torch", "requests", "pydicom", "slicer"}
