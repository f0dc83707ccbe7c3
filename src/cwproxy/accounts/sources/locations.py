"""Where other programs keep their logins, as functions of the platform (protocol.md 5.5, 5.6).

`system` is the value of `sys.platform`. The paths are the defaults; a program that was told otherwise is named by
its path.
"""

from pathlib import PurePath

KIRO_FILE = "kiro-auth-token.json"
DATABASE = "data.sqlite3"


def kiro_ide(home: PurePath) -> PurePath:
    """The same on every platform."""
    return home / ".aws" / "sso" / "cache" / KIRO_FILE


def q_cli(system: str, home: PurePath) -> PurePath:
    """The Q CLI does not exist for Windows itself; in WSL it is a Linux program."""
    if system == "darwin":
        return home / "Library" / "Application Support" / "amazon-q" / DATABASE
    return home / ".local" / "share" / "amazon-q" / DATABASE


def kiro_cli(system: str, home: PurePath, local_app_data: PurePath | None = None) -> PurePath:
    """local_app_data: what `%LOCALAPPDATA%` says, for Windows."""
    if system == "darwin":
        return home / "Library" / "Application Support" / "kiro-cli" / DATABASE
    if system == "win32":
        return (local_app_data or home / "AppData" / "Local") / "Kiro-Cli" / DATABASE
    return home / ".local" / "share" / "kiro-cli" / DATABASE
