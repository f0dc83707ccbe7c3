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


def q_cli(system: str, home: PurePath, data_home: PurePath | None = None) -> PurePath:
    """The Q CLI does not exist for Windows itself; in WSL it is a Linux program. data_home: `$XDG_DATA_HOME`."""
    if system == "darwin":
        return home / "Library" / "Application Support" / "amazon-q" / DATABASE
    return (data_home or home / ".local" / "share") / "amazon-q" / DATABASE


def kiro_cli(system: str, home: PurePath, data_home: PurePath | None = None) -> PurePath:
    """data_home: `$XDG_DATA_HOME`, and for Windows what `%LOCALAPPDATA%` says."""
    if system == "darwin":
        return home / "Library" / "Application Support" / "kiro-cli" / DATABASE
    if system == "win32":
        return (data_home or home / "AppData" / "Local") / "Kiro-Cli" / DATABASE
    return (data_home or home / ".local" / "share") / "kiro-cli" / DATABASE
