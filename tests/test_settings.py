import os
from pathlib import Path

import pytest

from cwproxy import settings
from cwproxy.codewhisperer.surfaces import Surface
from cwproxy.errors import SettingsError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CWPROXY_HOME", str(tmp_path))
    return tmp_path


def test_defaults_listen_on_loopback_and_share_nothing() -> None:
    loaded = settings.load()
    assert (loaded.host, loaded.port) == ("127.0.0.1", 3000)
    assert loaded.api_keys == ()
    assert loaded.endpoint is None
    assert loaded.surface is None
    assert not loaded.share_content
    assert not loaded.share_environment


def test_flags_beat_environment_beats_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "config.toml").write_text(
        'port = 1\nhost = "127.0.0.3"\nsurface = "kiro"\n[aliases]\nfast = "claude-haiku-4.5"\n'
    )
    monkeypatch.setenv("CWPROXY_PORT", "2")
    monkeypatch.setenv("CWPROXY_HOST", "127.0.0.2")
    loaded = settings.load({"port": 3, "host": None})
    assert (loaded.port, loaded.host, loaded.surface) == (3, "127.0.0.2", Surface.KIRO)
    assert loaded.aliases == {"fast": "claude-haiku-4.5"}


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CWPROXY_API_KEYS", "first, second,")
    monkeypatch.setenv("CWPROXY_ALLOWED_HOSTS", "proxy.internal")
    loaded = settings.load()
    assert [key.get_secret_value() for key in loaded.api_keys] == ["first", "second"]
    assert loaded.allowed_hosts == ("proxy.internal",)
    assert "first" not in repr(loaded)


@pytest.mark.parametrize(
    "name", ["https://proxy.lan", "proxy.lan:3000", "*", "*.lan", "two words", "proxy.lan/v1", "ü.lan"]
)
def test_a_host_that_could_never_match_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="no scheme, port, path or") as caught:
        settings.load({"allowed_hosts": ["good.lan", name]})
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize(
    "name", ["proxy.lan", "Proxy", "xn--mller-kva.example", "my_host.lan", "10.0.0.7", "fd00::1", "[fd00::1]"]
)
def test_names_and_addresses_of_this_server(name: str) -> None:
    assert settings.load({"allowed_hosts": [name]}).allowed_hosts == (name,)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.com"])
def test_an_open_address_needs_a_key(host: str) -> None:
    with pytest.raises(SettingsError, match="needs an API key: run `cwproxy keys create NAME`, or set"):
        settings.require_keys_when_open(settings.load({"host": host}))
    settings.require_keys_when_open(settings.load({"host": host, "api_keys": "secret"}))
    settings.require_keys_when_open(settings.load({"host": host}), stored=True)
    assert settings.needs_keys(settings.load({"host": host, "api_keys": "secret"}))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "127.9.9.9"])
def test_loopback_needs_none(host: str) -> None:
    settings.require_keys_when_open(settings.load({"host": host}))


def test_all_web_pages_need_a_key() -> None:
    assert settings.load({"cors_origins": "https://a.example, *"}).cors_origins == ("https://a.example", "*")
    with pytest.raises(SettingsError, match="every web page"):
        settings.require_keys_when_open(settings.load({"cors_origins": "*"}))
    settings.require_keys_when_open(settings.load({"cors_origins": "*", "api_keys": "secret"}))
    settings.require_keys_when_open(settings.load({"cors_origins": "https://a.example"}))


@pytest.mark.parametrize("keys", [[""], ["good", ""], [" "], ["two words"], ["schlüssel"], ["a\nb"]])
def test_a_key_that_cannot_be_shown_is_none(keys: list[str]) -> None:
    with pytest.raises(SettingsError, match="--api-keys: every key has to be") as caught:
        settings.load({"api_keys": keys})
    assert not any(key in str(caught.value) for key in keys if key.strip())


def test_endpoint_is_a_url_and_may_name_the_region() -> None:
    assert settings.load({"endpoint": "http://127.0.0.1:9/{region}/"}).endpoint == "http://127.0.0.1:9/{region}"
    with pytest.raises(SettingsError, match="endpoint"):
        settings.load({"endpoint": "not a url"})


def test_errors_name_the_setting_and_hide_its_value(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CWPROXY_PORT", "hunter2")
    with pytest.raises(SettingsError, match=r"^CWPROXY_PORT must be a whole number\.$") as caught:
        settings.load()
    assert "hunter2" not in str(caught.value)
    monkeypatch.delenv("CWPROXY_PORT")
    (home / "config.toml").write_text("port = \n")
    with pytest.raises(SettingsError, match="not a valid TOML file"):
        settings.load()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("prot = 3000", "there is no setting `prot` (did you mean `port`?)."),
        ("qwertz = 1", "there is no setting `qwertz`."),
        ("[modells]\na = 1", "there is no setting `modells` (did you mean `models`?)."),
        ('[models.auto]\nbuffred = "full"', "there is no setting `models.auto.buffred` (did you mean `buffered`?)."),
        (
            '[[providers]]\ntype = "kiro"\nwight = 2',
            "there is no setting `providers.0.wight` (did you mean `weight`?).",
        ),
        ('port = "x"', "`port` must be a whole number."),
        ("port = 70000", "`port` must be less than or equal to 65535."),
        ("drain = []", "`drain` must be a number."),
        ("strict = 3", "`strict` must be true or false."),
        ("host = 3", "`host` must be text."),
        ("ca_bundle = 3", "`ca_bundle` must be a path."),
        ("aliases = 3", "`aliases` must be a table."),
        ("models.auto = 3", "`models.auto` must be a table."),
        ("api_keys = 3", "`api_keys` must be a list."),
        ('surface = "x"', "`surface` must be 'q', 'q-iam', 'codewhisperer' or 'kiro'."),
        ('strategy = "x"', "`strategy` must be 'round-robin', 'least-used-quota' or 'sticky'."),
        ('endpoint = "x"', "`endpoint` must be an http or https URL."),
        ('allowed_hosts = ["*"]', "`allowed_hosts`: '*' is no name or address alone: no scheme, port, path or `*`."),
        ("[[providers]]", "`providers.0.type` is missing."),
    ],
)
def test_a_mistake_in_the_file_is_said_in_its_words(home: Path, text: str, sentence: str) -> None:
    (home / "config.toml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        settings.load()
    assert caught.value.message == f"{home / 'config.toml'}: {sentence}"


def test_several_mistakes_are_said_at_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CWPROXY_STRICT", "perhaps")
    (home / "config.toml").write_text('drain = "x"\nstrict = "y"')
    with pytest.raises(SettingsError) as caught:
        settings.load({"surface": "z"})
    assert caught.value.message.startswith("CWPROXY_STRICT must be true or false; --surface must be 'q', ")
    assert caught.value.message.endswith(f"; {home / 'config.toml'}: `drain` must be a number.")


def test_a_variable_and_a_file_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CWPROXY_ALIASES", "canary")
    with pytest.raises(SettingsError, match=r"^CWPROXY_ALIASES must be JSON\.$"):
        settings.load()
    monkeypatch.delenv("CWPROXY_ALIASES")
    monkeypatch.setenv("CWPROXY_HOME", f"/{'x' * 300}")
    with pytest.raises(SettingsError, match=r"config\.toml cannot be read: "):
        settings.load()


def test_places(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.data_directory() == home / "data"
    assert settings.config_file() == home / "config.toml"
    monkeypatch.delenv("CWPROXY_HOME")
    assert settings.data_directory().name == "cwproxy"
    assert settings.config_file().name == "config.toml"


def test_names_of_variables_never_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SECRET", "value-of-it")
    assert "SOME_SECRET" in settings.variable_names()
    assert not any("value-of-it" in name for name in settings.variable_names())
    assert set(settings.variable_names()) == set(os.environ)


@pytest.mark.parametrize("name", ["KIRO_API_KEY", "CWPROXY_KIRO_API_KEY"])
def test_kiros_own_variable_holds_the_key(home: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert settings.load().kiro_api_key is None
    (home / "config.toml").write_text('kiro_api_key = "ksk_canary-file"')
    from_file = settings.load().kiro_api_key
    assert from_file is not None and from_file.get_secret_value() == "ksk_canary-file"
    monkeypatch.setenv(name, "ksk_canary-environment")
    loaded = settings.load()
    assert loaded.kiro_api_key is not None
    assert loaded.kiro_api_key.get_secret_value() == "ksk_canary-environment"
    assert "canary" not in repr(loaded)


def test_how_answers_are_given_out(home: Path) -> None:
    assert settings.load().buffered == "off"
    (home / "config.toml").write_text('buffered = "calls"\n[models."claude-haiku-4.5"]\nbuffered = "full"\n')
    loaded = settings.load()
    assert (loaded.buffered, loaded.models["claude-haiku-4.5"].buffered) == ("calls", "full")
    (home / "config.toml").write_text('[models.auto]\nbuffred = "full"\n')
    with pytest.raises(SettingsError, match=r"models\.auto\.buffred"):
        settings.load()
