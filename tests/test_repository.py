"""Rules about the sources themselves: sizes, where tests live, what must not be in the tree."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src" / "cwproxy").rglob("*.py"))
MODULE_LINES = 400
FUNCTION_LINES = 50
PARAMETERS = 6

PATHS = {path.relative_to(ROOT).as_posix(): path for path in SOURCES}


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("name", PATHS)
def test_module_is_short(name: str) -> None:
    assert len(PATHS[name].read_text().splitlines()) <= MODULE_LINES


@pytest.mark.parametrize("name", PATHS)
def test_functions_are_short(name: str) -> None:
    long = [
        f"{function.name}: {function.end_lineno - function.lineno + 1} lines"
        for function in functions(PATHS[name])
        if function.end_lineno is not None and function.end_lineno - function.lineno + 1 > FUNCTION_LINES
    ]
    assert not long


@pytest.mark.parametrize("name", [name for name in PATHS if "/cli/" not in name])
def test_functions_take_few_positional_parameters(name: str) -> None:
    """Options after `*` are named at the call, and a command's parameters are its options: neither counts."""
    many = [
        function.name
        for function in functions(PATHS[name])
        if len([argument for argument in function.args.args if argument.arg not in ("self", "cls")]) > PARAMETERS
    ]
    assert not many


@pytest.mark.parametrize("name", PATHS)
def test_module_says_what_it_is_for(name: str) -> None:
    text = PATHS[name].read_text()
    assert not text.strip() or ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("name", [name for name in PATHS if not name.endswith("__init__.py")])
def test_module_has_its_test_file(name: str) -> None:
    if name == "src/cwproxy/__main__.py":
        return  # two lines, run by the end-to-end tests
    if "/migrations/" in name:
        return  # steps of one way, which tests/store/test_migrating.py goes as a whole
    module = Path(name).relative_to("src/cwproxy")
    mirrored = ROOT / "tests" / module.parent / f"test_{module.stem.lstrip('_')}.py"
    assert mirrored.is_file(), f"missing {mirrored.relative_to(ROOT)}"


def tracked() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listing.returncode != 0:  # an unpacked source archive
        return []
    return [ROOT / name for name in listing.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def test_no_machine_paths_and_no_registry_hosts() -> None:
    hosts = "|".join(["py" + "pi\\.org", "python" + "hosted", "registry\\." + "npmjs", "deb\\." + "debian\\.org"])
    forbidden = re.compile(rf"{hosts}|/(?:home|Users)/[a-z]+/|(?<![\w.])/(?:wo{'rk'}|ro{'ot'})/")
    found = []
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in forbidden.finditer(text)]
    assert not found


def test_lock_files_pin_by_hash_and_name_no_address() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text
        pinned = [line for line in text.splitlines() if re.match(r"[a-z0-9]", line)]
        assert all("==" in line for line in pinned)


def test_floors_that_close_known_holes() -> None:
    """starlette < 1.0.1 built request.url from the Host header (reliability.md 2.4)."""
    match = re.search(r"^starlette==(\d+)\.(\d+)\.(\d+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert match is not None
    assert tuple(int(part) for part in match.groups()) >= (1, 0, 1)


def test_makefile_has_at_most_eight_targets_and_explains_each() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.+)$", text, re.MULTILINE)
    assert phony is not None
    targets = phony.group(1).split()
    assert len(targets) <= 8
    for target in targets:
        assert re.search(rf"^{target}:.*## \S", text, re.MULTILINE)


def test_the_simulator_sees_the_wire_format_and_nothing_else() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (own,) = [contract for contract in contracts if contract.get("source_modules") == ["cwproxy.simulator"]]
    rooms = {path.stem for path in (ROOT / "src/cwproxy").iterdir() if path.suffix in ("", ".py")}
    modules = {path.stem for path in (ROOT / "src/cwproxy/codewhisperer").glob("*.py")}
    rooms -= {"__init__", "__main__", "__pycache__", "simulator", "eventstream", "codewhisperer", "cli"}
    modules -= {"__init__", "wire"}
    expected = {f"cwproxy.{room}" for room in rooms} | {f"cwproxy.codewhisperer.{module}" for module in modules}
    assert set(own["forbidden_modules"]) == expected
