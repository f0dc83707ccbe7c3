"""The Kiro IDE as far as its login goes: it logs in at the simulator, keeps its file, and renews as it likes."""

import hashlib
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from tests.support.waiting import SECONDS

from cwproxy.accounts.sources.kiro_file import BUILDER_ID_HASH

BUILDER_ID = "https://view.awsapps.com/start"
SCOPES = [f"codewhisperer:{name}" for name in ("completions", "analysis", "conversations")]
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


class FakeKiro:
    """directory: its `~/.aws/sso/cache`. start_url: of an Identity Center; a Builder ID by default.

    It takes no lock and asks nobody, like the real one, and it writes its file in place.
    """

    def __init__(self, url: str, directory: Path, *, start_url: str = BUILDER_ID, region: str = "us-east-1") -> None:
        self._url = f"{url}/{region}"
        self._start_url = start_url
        self._region = region
        self._client: dict[str, str] = {}
        self.path = directory / "kiro-auth-token.json"
        self.renewals = 0
        self.refusals = 0

    def log_in(self) -> None:
        """Writes the file anew. The simulator has to approve by itself."""
        client = self._post("/client/register", clientName="Kiro IDE", clientType="public", scopes=SCOPES)
        self._client = {name: client[name] for name in ("clientId", "clientSecret")}
        device = self._post("/device_authorization", **self._client, startUrl=self._start_url)
        tokens = self._post("/token", **self._client, grantType=DEVICE_CODE, deviceCode=device["deviceCode"])
        known = BUILDER_ID_HASH if self._start_url == BUILDER_ID else hashlib.sha1(self._start_url.encode()).hexdigest()  # noqa: S324 - a name
        self.path.parent.mkdir(parents=True, exist_ok=True)
        end = _text(client["clientSecretExpiresAt"])
        self.path.with_name(f"{known}.json").write_text(json.dumps({**self._client, "expiresAt": end}))
        self.write(
            accessToken=tokens["accessToken"],
            refreshToken=tokens["refreshToken"],
            expiresAt=_text(time.time() + tokens["expiresIn"]),
            clientIdHash=known,
            authMethod="IdC",
            provider="BuilderId" if self._start_url == BUILDER_ID else "Enterprise",
            region=self._region,
        )

    def read(self) -> dict[str, Any]:
        members: dict[str, Any] = json.loads(self.path.read_bytes())
        return members

    def write(self, **members: Any) -> None:
        self.path.write_text(json.dumps(members, indent=2), encoding="utf-8")

    def change(self, **changes: Any) -> None:
        """None takes a member away."""
        members = {**self.read(), **changes}
        self.write(**{name: value for name, value in members.items() if value is not None})

    def renew(self) -> bool:
        """Reads its file, spends the refresh token, writes what it got; False when it was refused."""
        members = self.read()
        with httpx.Client(trust_env=False, timeout=SECONDS) as http:
            body = {**self._client, "grantType": "refresh_token", "refreshToken": members["refreshToken"]}
            answer = http.post(f"{self._url}/token", json=body)
        if answer.status_code != 200:
            self.refusals += 1
            return False
        tokens = answer.json()
        self.renewals += 1
        self.change(
            accessToken=tokens["accessToken"],
            refreshToken=tokens.get("refreshToken", members["refreshToken"]),
            expiresAt=_text(time.time() + tokens["expiresIn"]),
        )
        return True

    def _post(self, path: str, **body: object) -> dict[str, Any]:
        with httpx.Client(trust_env=False, timeout=SECONDS) as http:
            answer = http.post(self._url + path, json=body)
        assert answer.status_code == 200, answer.text
        members: dict[str, Any] = answer.json()
        return members


def _text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
