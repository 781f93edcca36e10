"""The rules of the image, read from the Dockerfile, its lock files and what it leaves out."""

import re
import tomllib
from typing import NamedTuple

from nightjar.contract.places import REPOSITORY
from nightjar.stack.team.compose_file import read_services
from nightjar.stack.team.container_translation import IMAGE_INTERPRETER, IMAGE_REPOSITORY


class Step(NamedTuple):
    instruction: str
    rest: str


def steps() -> list[Step]:
    text = (REPOSITORY / "Dockerfile").read_text()
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", lines)
    return [Step(*line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


STEPS = steps()
OURS = [service for service in read_services().values() if "build" in service]
STAGES = [position for position, step in enumerate(STEPS) if step.instruction == "FROM"]
BUILD, FINAL = STEPS[: STAGES[-1]], STEPS[STAGES[-1] :]


def rests(stage: list[Step], instruction: str) -> list[str]:
    return [step.rest for step in stage if step.instruction == instruction]


def test_the_base_image_is_pinned_to_a_patch_release_of_a_debian_release() -> None:
    for image in rests(STEPS, "FROM"):
        assert re.fullmatch(r"python:3\.\d+\.\d+-slim-bookworm( AS build)?", image)


def test_nothing_is_fetched_from_an_address() -> None:
    assert rests(STEPS, "ADD") == []
    for step in STEPS:
        assert "://" not in step.rest
        assert not re.search(r"\b(curl|wget|git)\b", step.rest)


def test_the_program_s_user_is_nobody_special() -> None:
    user, group = rests(FINAL, "USER")[-1].split(":")
    assert int(user) >= 1_000
    assert int(group) >= 1_000
    assert FINAL.index(Step("USER", f"{user}:{group}")) > max(
        position for position, step in enumerate(FINAL) if step.instruction in ("RUN", "COPY")
    )
    assert {service["user"] for service in OURS} == {f"{user}:{group}"}


def test_the_image_has_the_version_of_the_project() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert {service["image"] for service in OURS} == {f"nightjar:{project['version']}"}


def test_everything_that_is_installed_or_built_has_a_hash() -> None:
    installs = [part for step in BUILD for part in step.rest.split("&&") if re.search(r"pip (install|sync)", part)]
    assert len(installs) == 3
    for install in installs:
        if "--editable" not in install:
            assert "--require-hashes" in install
        if "/uv pip" in install:
            assert "--require-build-hashes" in install
            assert "--build-constraints requirements.build.lock" in install
    assert not any(re.search(r"\bpip\b", each) for each in rests(FINAL, "RUN"))


def test_what_is_compiled_runs_on_any_processor_of_the_kind() -> None:
    portable = next(position for position, step in enumerate(BUILD) if "LIGHTFM_NO_CFLAGS=1" in step.rest)
    assert BUILD[portable] == Step("ENV", "LIGHTFM_NO_CFLAGS=1 HNSWLIB_NO_NATIVE=1")
    assert portable < next(position for position, step in enumerate(BUILD) if "pip sync" in step.rest)


def test_the_compiler_stays_in_the_build() -> None:
    assert any("build-essential" in each for each in rests(BUILD, "RUN"))
    assert not any(re.search(r"build-essential|gcc|g\+\+|-dev\b", each) for each in rests(FINAL, "RUN"))
    assert any("openjdk-17-jre-headless" in each for each in rests(FINAL, "RUN"))


def test_no_secret_is_given_to_the_build() -> None:
    assert rests(STEPS, "ARG") == []
    for each in rests(STEPS, "ENV"):
        assert not re.search(r"PASSWORD|SECRET|TOKEN|_KEY", each)
    ignored = (REPOSITORY / ".dockerignore").read_text().splitlines()
    # Everything is left out but what is named.
    assert ignored[1] == "*"
    assert not [line for line in ignored if line.startswith("!") and "env" in line]


def test_everything_that_is_copied_reaches_the_build() -> None:
    ignored = (REPOSITORY / ".dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in ignored if line.startswith("!")} | {
        path.name for path in REPOSITORY.glob("requirements*.lock") if "!requirements*.lock" in ignored
    }
    for each in rests(BUILD, "COPY"):
        for source in each.split()[:-1]:
            assert source in allowed
            assert (REPOSITORY / source).exists()


def test_the_programs_find_the_project_and_the_folders_of_their_volumes_in_the_image() -> None:
    copied = rests(FINAL, "COPY")
    assert f"--from=build {IMAGE_REPOSITORY} {IMAGE_REPOSITORY}" in copied
    assert f"--from=build {IMAGE_INTERPRETER.removesuffix('/bin/python')}" in " ".join(copied)
    made = next(each for each in rests(FINAL, "RUN") if "install -d -o nightjar" in each).split()
    # A volume has the owner of its folder in the image: of root's, nobody here could write into it.
    mounted = {volume.split(":")[1] for service in OURS for volume in service.get("volumes", ())}
    assert mounted == {"/var/lib/nightjar", "/var/lib/nightjar/lake", "/var/lib/mlflow", "/var/lib/spark"}
    assert mounted <= set(made)


def test_the_image_has_what_the_project_needs_and_nothing_of_its_tests() -> None:
    everything, image = (locked(name) for name in ("requirements.lock", "requirements.image.lock"))
    assert image.items() <= everything.items()
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    needed, tools = (
        {re.split(r"[=<>\[;]", each)[0] for each in part}
        for part in (
            project["dependencies"] + project["optional-dependencies"]["explorer"],
            project["optional-dependencies"]["dev"],
        )
    )
    assert needed <= set(image)
    assert {"pytest", "mypy", "playwright", "ruff"} <= tools - set(image)


def test_what_builds_are_done_with_is_locked_at_the_version_that_runs() -> None:
    build = locked("requirements.build.lock")
    assert {"cython", "numpy", "pybind11", "setuptools", "wheel"} <= set(build)
    assert build["numpy"] == locked("requirements.lock")["numpy"]


def locked(name: str) -> dict[str, str]:
    """Package to its version, marker and hashes."""
    blocks = re.split(r"\n(?=\S)", (REPOSITORY / name).read_text())
    lines = [
        [line.strip(" \\") for line in block.splitlines() if not line.lstrip().startswith("#")] for block in blocks
    ]
    assert all(
        any(line.startswith("--hash=sha256:") for line in block) for block in lines if block and "==" in block[0]
    )
    return {block[0].split("==")[0]: " ".join(block).split("==", 1)[1] for block in lines if block and "==" in block[0]}
