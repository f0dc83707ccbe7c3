from pathlib import Path

import pytest
from pydantic import ValidationError

from cwproxy.accounts.declarations import Provider, aliases, declarations
from cwproxy.errors import SettingsError

ARN = "arn:aws:codewhisperer:eu-central-1:123456789012:profile/ABCDEFGHIJKL"


def provider(path: Path | str, **more: object) -> Provider:
    return Provider.model_validate({"type": "kiro", "authentication": {"tokenFilePath": str(path)}, **more})


def test_a_provider_of_several_accounts_is_several(tmp_path: Path) -> None:
    shape = {
        "type": "codewhisperer",
        "profileArn": ARN,
        "weight": 3,
        "limits": {"inFlight": 4, "models": {"claude-haiku-4.5": 2}},
        "models": ["claude-haiku-4.5"],
        "accounts": [
            {"name": "ann", "authentication": {"tokenFilePath": "ann.json"}},
            {"authentication": {"token_file_path": "~/bob.json"}, "weight": 1, "limits": {"in_flight": 9}},
        ],
    }
    ann, bob = declarations([Provider.model_validate(shape)], tmp_path)
    assert (ann.key, ann.path, ann.wanted.name) == ("providers.0.accounts.0", tmp_path / "ann.json", "ann")
    assert (ann.wanted.weight, ann.wanted.profile_arn, ann.limits.in_flight) == (3, ARN, 4)
    assert ann.limits.by_model == {"claude-haiku-4.5": 2}
    assert bob.path == Path.home() / "bob.json"
    assert (bob.wanted.weight, bob.limits.in_flight, bob.limits.by_model) == (1, 9, {})
    assert bob.limits.models == frozenset({"claude-haiku-4.5"})


@pytest.mark.parametrize(
    ("shape", "where"),
    [
        ({"type": "openai", "authentication": {"tokenFilePath": "x"}}, "type"),
        ({"type": "kiro"}, "authentication.tokenFilePath or accounts is missing"),
        ({"type": "kiro", "authentication": {}}, "authentication.tokenFilePath"),
        ({"type": "kiro", "authentication": {"tokenFilePath": "x", "password": "y"}}, "password"),
        ({"type": "kiro", "authentication": {"tokenFilePath": "x"}, "accounts": [{}]}, "both accounts and"),
        ({"type": "kiro", "accounts": [{"name": "x"}]}, "accounts.0.authentication.tokenFilePath is missing"),
        ({"type": "kiro", "authentication": {"tokenFilePath": "x"}, "region": "Mars"}, "region"),
        ({"type": "kiro", "authentication": {"tokenFilePath": "x"}, "profileArn": "arn"}, "profileArn"),
        ({"type": "kiro", "authentication": {"tokenFilePath": "x"}, "weight": 0}, "weight"),
        ({"type": "kiro", "authentication": {"tokenFilePath": "x"}, "limits": {"inFlight": 0}}, "limits.inFlight"),
        ({"type": "kiro", "authentication": {"tokenFilePath": "x"}, "models": []}, "models"),
        ({"type": "kiro", "authentication": {"tokenFilePath": "x"}, "colour": "red"}, "colour"),
    ],
)
def test_bad_ones_name_the_key(shape: dict[str, object], where: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Provider.model_validate(shape)
    told = [f"{'.'.join(str(part) for part in item['loc'])} {item['msg']}" for item in caught.value.errors()]
    assert any(where in line for line in told), told


def test_aliases_are_gathered(tmp_path: Path) -> None:
    one, two = provider("a", aliases={"fast": "haiku"}), provider("b", aliases={"fast": "haiku", "slow": "opus"})
    assert aliases([one, two], {"own": "x"}) == {"own": "x", "fast": "haiku", "slow": "opus"}
    with pytest.raises(SettingsError, match=r"^providers\.1\.aliases\.slow: it stands for auto elsewhere"):
        aliases([one, two], {"slow": "auto"})
