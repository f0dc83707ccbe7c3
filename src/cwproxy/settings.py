"""The one reader of flags, environment and file.

Precedence: flags, then `CWPROXY_*` variables, then the TOML file, then the defaults. The file is `config.toml` in
`$CWPROXY_HOME` or else in the platform's configuration directory; an unknown key in it is an error.
"""

import os
import re
import sys
from collections.abc import Container, Mapping
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import platformdirs
from pydantic import (
    AliasChoices,
    AnyHttpUrl,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings import SettingsError as UnreadableVariable

from cwproxy.accounts.declarations import Provider
from cwproxy.codewhisperer.surfaces import Surface
from cwproxy.errors import SettingsError
from cwproxy.filters import Buffering

PORT = 3000
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
_HOST: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?\.?")
_KEY: Final = re.compile(r"[!-~]+")


def _split(value: object) -> object:
    return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value


class ModelSettings(BaseModel):
    """What is decided of one model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    buffered: Buffering | None = None


class Settings(BaseSettings):
    """Every setting, with its default. Durations are seconds."""

    model_config = SettingsConfigDict(env_prefix="CWPROXY_", extra="forbid", frozen=True, env_ignore_empty=True)

    host: str = Field(default="127.0.0.1", description="Address to listen on; not loopback needs `api_keys`.")
    port: int = Field(default=PORT, ge=0, le=65535, description="Port to listen on; 0 takes any free one.")
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        default=(), description="Keys that clients must show, separated by commas. None are needed on loopback."
    )
    admin_key: SecretStr | None = Field(
        default=None, description="An admin key, with which `cwproxy accounts show` asks the running server."
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Further names that clients may call this server by, separated by commas."
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Origins of web pages that may call this server, separated by commas; `*` for all."
    )
    strict: bool = Field(default=False, description="Refuse parameters that have no effect.")
    max_requests: int = Field(default=1_000, ge=1, description="The most requests at once; more are told to come back.")
    max_body_mib: int = Field(default=20, ge=1, le=100, description="The largest body of a request, in MiB.")
    max_requests_per_account: int = Field(
        default=8, ge=1, description="The most calls at once with one account; more wait for a while."
    )
    strategy: Literal["round-robin", "least-used-quota", "sticky"] = Field(
        default="round-robin",
        description="Which of several accounts is next; `sticky`: a conversation stays.",
    )
    max_choices: int = Field(default=4, ge=1, le=128, description="The most choices (`n`) of one request.")
    parse_thinking_tags: bool = Field(
        default=False, description="Take text in <thinking> at the start of an answer for reasoning."
    )
    buffered: Buffering = Field(
        default="off",
        description="Take tool calls written as text for calls while answers stream (`calls`), or give answers out "
        "when they are whole, too (`full`).",
    )
    models: dict[str, ModelSettings] = Field(
        default_factory=dict, description="A table for each model, by your name for it or the backend's."
    )
    endpoint: str | None = Field(
        default=None, description="One base URL for login, control plane and chat; `{region}` in it is replaced."
    )
    surface: Surface | None = Field(default=None, description="Which of the backend's interfaces to speak.")
    profile_arn: str | None = Field(default=None, description="Profile to use instead of the account's own.")
    kiro_api_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("kiro_api_key", "CWPROXY_KIRO_API_KEY", "KIRO_API_KEY"),
        description="Kiro API key that `cwproxy login api-key` stores; `KIRO_API_KEY` is read, too.",
    )
    providers: tuple[Provider, ...] = Field(
        default=(), description="Accounts whose logins other programs keep; a table each, see the README."
    )
    aliases: dict[str, str] = Field(default_factory=dict, description="Model names of yours -> the backend's.")
    share_content: bool = Field(default=False, description="Let AWS use the content to improve its service.")
    share_environment: bool = Field(
        default=False,
        description="Tell the backend the operating system, directory, names of environment variables and git status.",
    )
    fetch_images: bool = Field(default=False, description="Fetch pictures that a request links to (https only).")
    downscale_images: bool = Field(
        default=False, description="Scale down pictures that are too large for the backend; needs Pillow."
    )
    database_url: SecretStr | None = Field(
        default=None, description="PostgreSQL for accounts, keys and usage, instead of a file of this machine."
    )
    upstream_proxy: str | None = Field(default=None, description="HTTP proxy for the calls to AWS.")
    ca_bundle: Path | None = Field(default=None, description="PEM file of further certificate authorities.")
    usage_days: int = Field(default=180, ge=31, description="Days for which the usage ledger is kept.")
    response_days: int = Field(
        default=30,
        ge=0,
        description="Days for which an answer of the Responses API is kept unless it is gone on from; 0: none.",
    )
    response_megabytes: int = Field(default=256, ge=1, description="The most that is kept so for one API key.")
    drain: float = Field(default=5.0, ge=0, le=3600, description="Seconds that open streams get at shutdown.")
    dump_failures: Path | None = Field(
        default=None, description="Directory for what failing requests sent and were answered; holds prompts."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least level logged.")

    _split_lists = field_validator("api_keys", "allowed_hosts", "cors_origins", mode="before")(_split)

    @field_validator("endpoint")
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        TypeAdapter(AnyHttpUrl).validate_python(value.replace("{region}", "us-east-1"))
        return value.rstrip("/")

    @field_validator("allowed_hosts")
    @classmethod
    def _are_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """What could never be in a Host header would only seem to let somebody in."""
        for name in value:
            if not (_HOST.fullmatch(name) or is_address(name)):
                raise ValueError(f"{name!r} is no name or address alone: no scheme, port, path or `*`")
        return value

    @field_validator("api_keys")
    @classmethod
    def _are_keys(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        """An empty one would let in whoever shows nothing, and others cannot be shown in a header."""
        if not all(_KEY.fullmatch(key.get_secret_value()) for key in value):
            raise ValueError("every key has to be of printable ASCII characters, without spaces, and not empty")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = TomlConfigSettingsSource(settings_cls, toml_file=config_file())
        return init_settings, env_settings, file


def load(flags: Mapping[str, Any] | None = None) -> Settings:
    """The settings in force. `flags` with value None were not given. Raises SettingsError, with no secret in it."""
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        raise SettingsError(_sentence(error, given)) from None
    except UnreadableVariable as error:
        found = re.search(r'field "(\w+)"', str(error))
        name = f"CWPROXY_{found[1].upper()}" if found else "A variable"
        raise SettingsError(f"{name} must be JSON.") from None
    except ValueError as error:
        raise SettingsError(f"{config_file()} is not a valid TOML file: {error}.") from None
    except OSError as error:
        raise SettingsError(f"{config_file()} cannot be read: {error.strerror}.") from error


def require_keys_when_open(settings: Settings, *, stored: bool = False) -> None:
    """For servers only: the other commands may run where the settings of a server are not complete, such as a login
    in a container. stored: whether there is a client's key in the store. Raises SettingsError.
    """
    if stored or settings.api_keys or not needs_keys(settings):
        return
    if not is_loopback(settings.host):
        raise SettingsError(
            f"listening on {settings.host} lets other machines in, so it needs an API key: run `cwproxy keys create "
            "NAME`, or set CWPROXY_API_KEYS (or `api_keys` in the file), or listen on 127.0.0.1"
        )
    raise SettingsError(
        "cors_origins * lets every web page use your account, so it needs an API key: run `cwproxy keys create NAME`, "
        "or set CWPROXY_API_KEYS (or `api_keys` in the file), or name the origins"
    )


def needs_keys(settings: Settings) -> bool:
    """Whether others than the programs of this machine may call, so that nobody is let in without a key."""
    return not is_loopback(settings.host) or "*" in settings.cors_origins


def _sentence(error: ValidationError, flags: Container[str]) -> str:
    """pydantic's own text repeats the input, which may be a key, and speaks of itself."""
    found = error.errors(include_input=False, include_url=False)
    return "; ".join(_words(item["type"], item["loc"], item["msg"], flags) for item in found) + "."


def _words(kind: str, where: tuple[int | str, ...], message: str, flags: Container[str]) -> str:
    """One mistake: where it stands, and what has to stand there. kind, message: as pydantic has them."""
    place = _place(where, flags)
    if kind == "extra_forbidden":
        near = get_close_matches(str(where[-1]), _siblings(where), 1)
        return f"{config_file()}: there is no setting {place}" + (f" (did you mean `{near[0]}`?)" if near else "")
    source = f"{config_file()}: {place}" if place.startswith("`") else place
    if kind in _HAS_TO_BE:
        return f"{source} {_HAS_TO_BE[kind]}"
    if message.startswith(_SHOULD):
        return f"{source} must be {message.removeprefix(_SHOULD)}"
    return f"{source}: {message.removeprefix('Value error, ')}"


_SHOULD: Final = "Input should be "
_HAS_TO_BE: Final = {
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "must be a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "must be a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "must be true or false"),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "must be a table"),
    **dict.fromkeys(("url_parsing", "url_scheme"), "must be an http or https URL"),
    "tuple_type": "must be a list",
    "string_type": "must be text",
    "path_type": "must be a path",
    "missing": "is missing",
    "string_pattern_mismatch": "is malformed",
    "string_too_short": "must not be empty",
}


def _place(where: tuple[int | str, ...], flags: Container[str]) -> str:
    """As the person wrote it: the flag, the variable, or the key of the file in backquotes."""
    name = str(where[0]) if where else "settings"
    if name in flags:
        return f"--{name.replace('_', '-')}"
    variables = [f"CWPROXY_{name.upper()}"] + (["KIRO_API_KEY"] if name == "kiro_api_key" else [])
    for variable in variables:
        if os.environ.get(variable):
            return variable
    return f"`{'.'.join(map(str, where))}`"


def _siblings(where: tuple[int | str, ...]) -> list[str]:
    """The keys that might have been meant."""
    if len(where) == 1:
        return list(Settings.model_fields)
    model = ModelSettings if where[0] == "models" else Provider
    return [field.alias or name for name, field in model.model_fields.items()]


def home() -> Path | None:
    """`$CWPROXY_HOME`: one directory for configuration and data."""
    value = os.environ.get("CWPROXY_HOME")
    return Path(value).expanduser() if value else None


def config_file() -> Path:
    return (home() or Path(platformdirs.user_config_dir("cwproxy"))) / "config.toml"


def data_directory() -> Path:
    """Where accounts and tokens are kept; the store makes it."""
    base = home()
    return base / "data" if base else Path(platformdirs.user_data_dir("cwproxy"))


def store_place(settings: Settings) -> Path | str:
    """Where everything that must survive is kept: a directory, or the URL of a database, which is a secret."""
    return data_directory() if settings.database_url is None else settings.database_url.get_secret_value()


def program_data() -> Path | None:
    """Where the user wants programs to keep their data: `$XDG_DATA_HOME`, or `%LOCALAPPDATA%` of Windows."""
    value = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_DATA_HOME")
    return Path(value) if value else None


def variable_names() -> tuple[str, ...]:
    """The names of this process's environment variables, never their values."""
    return tuple(sorted(os.environ))


def is_address(host: str) -> bool:
    try:
        ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    if host in LOCAL_NAMES:
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def child_environment(home: Path) -> dict[str, str]:
    """The environment for a cwproxy program that is to keep everything under `home`, to see none of our settings and
    to log nothing but warnings.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CWPROXY_")}
    return inherited | {"CWPROXY_HOME": str(home), "CWPROXY_LOG_LEVEL": "warning", "PYTHONUNBUFFERED": "1"}
