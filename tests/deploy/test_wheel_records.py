"""Vendored files equal the published ones, byte for byte."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from deploy import vendor
from deploy.paths import ROOT, WORKERS
from deploy.wheel_records import DiffersFromWheel, check


@pytest.mark.parametrize("worker", WORKERS)
def test_every_vendored_file_equals_the_one_in_its_wheel(worker: str) -> None:
    files = vendor.files_under(vendor.libraries(worker), [])
    assert check(worker, vendor.libraries(worker)) == len(files) > 0


def test_a_changed_file_and_a_file_of_no_wheel_are_named(tmp_path: Path) -> None:
    modules = tmp_path / "python_modules"
    shutil.copytree(vendor.libraries("sign-up"), modules)
    with (modules / "workers" / "__init__.py").open("a") as file:
        file.write("# changed\n")
    (modules / "stowaway.py").write_text("")
    with pytest.raises(DiffersFromWheel, match=r"sign-up: stowaway\.py, workers/__init__\.py$"):
        check("sign-up", modules)


def test_a_wheel_with_another_hash_is_not_installed(tmp_path: Path) -> None:
    package = replace(vendor.locked_packages()[vendor.SDK], hashes=(f"sha256:{'0' * 64}",))
    with pytest.raises(subprocess.CalledProcessError):
        vendor.install([package], tmp_path / "target")
    assert not (tmp_path / "target" / "workers").exists()


def test_a_package_without_a_hash_is_not_installed(tmp_path: Path) -> None:
    package = replace(vendor.locked_packages()[vendor.SDK], hashes=())
    with pytest.raises(subprocess.CalledProcessError):
        vendor.install([package], tmp_path / "target")


def test_uv_itself_is_pinned_to_the_wheels_in_the_lock() -> None:
    pinned = (ROOT / "deploy" / "uv-requirements.txt").read_text()
    locked = vendor.locked_packages()["uv"]
    assert re.findall(r"^uv==(\S+)", pinned, re.MULTILINE) == [locked.version]
    assert sorted(re.findall(r"--hash=(sha256:[0-9a-f]{64})", pinned)) == sorted(locked.hashes)
    assert any("macosx" in wheel for wheel in _uv_wheels())


def _uv_wheels() -> list[str]:
    entries = vendor.load_toml(ROOT / "uv.lock")["package"]
    return [wheel["url"] for entry in entries if entry["name"] == "uv" for wheel in entry["wheels"]]
