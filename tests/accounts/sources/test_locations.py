from pathlib import PurePosixPath, PureWindowsPath

import pytest

from cwproxy.accounts.sources.locations import kiro_cli, kiro_ide, q_cli

LINUX, MAC = PurePosixPath("/homes/ann"), PurePosixPath("/people/ann")
WINDOWS = PureWindowsPath("C:/people/ann")
SUPPORT = "/people/ann/Library/Application Support"


def test_kiro_ide() -> None:
    assert str(kiro_ide(LINUX)) == "/homes/ann/.aws/sso/cache/kiro-auth-token.json"
    assert str(kiro_ide(WINDOWS)) == r"C:\people\ann\.aws\sso\cache\kiro-auth-token.json"


@pytest.mark.parametrize(
    ("system", "home", "expected"),
    [
        ("linux", LINUX, "/homes/ann/.local/share/amazon-q/data.sqlite3"),
        ("darwin", MAC, f"{SUPPORT}/amazon-q/data.sqlite3"),
    ],
)
def test_q_cli(system: str, home: PurePosixPath, expected: str) -> None:
    assert str(q_cli(system, home)) == expected


def test_kiro_cli() -> None:
    assert str(kiro_cli("linux", LINUX)) == "/homes/ann/.local/share/kiro-cli/data.sqlite3"
    assert str(kiro_cli("darwin", MAC)) == f"{SUPPORT}/kiro-cli/data.sqlite3"
    assert str(kiro_cli("win32", WINDOWS)) == r"C:\people\ann\AppData\Local\Kiro-Cli\data.sqlite3"
    local = PureWindowsPath("D:/Local")
    assert str(kiro_cli("win32", WINDOWS, local)) == r"D:\Local\Kiro-Cli\data.sqlite3"


def test_a_data_directory_of_ones_own() -> None:
    elsewhere = PurePosixPath("/data")
    assert str(q_cli("linux", LINUX, elsewhere)) == "/data/amazon-q/data.sqlite3"
    assert str(kiro_cli("linux", LINUX, elsewhere)) == "/data/kiro-cli/data.sqlite3"
