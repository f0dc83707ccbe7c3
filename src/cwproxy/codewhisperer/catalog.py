"""What the control plane says about an account: models, profiles, allowances; and which model a client means.

The answers are read leniently, because their members differ by plan, surface and year (protocol.md 1.5): unknown
members are skipped, nulls and wrong types count as absent. Only an answer that is no JSON object at all is an error.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

import msgspec

from cwproxy.codewhisperer import jsontext
from cwproxy.codewhisperer.caching import Caching
from cwproxy.codewhisperer.effort import Knob, knob
from cwproxy.errors import BackendUnavailable, ModelNotFound

AUTO: Final = "auto"
"""The name under which the service, or else cwproxy, picks the default model."""

_MAX_NAME_SHOWN: Final = 100

_CHAT_RESOURCES: Final = frozenset({"AGENTIC_REQUEST", "CREDIT", "VIBE"})
"""Others are for code completion, transformation and specifications (protocol.md 1.5)."""

_Object: TypeAlias = Mapping[str, object]


class Model(msgspec.Struct, frozen=True):
    """A model of ListAvailableModels. Limits in tokens, None where the service names none.

    accepts_images is true where the service does not say. caching: what it takes of cache points, where it lists that.
    rate is what a request costs, in rate_unit.
    """

    id: str
    name: str
    description: str = ""
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    accepts_images: bool = True
    prompt_caching: bool = False
    rate: float | None = None
    rate_unit: str | None = None
    caching: Caching | None = None
    effort: Knob | None = None


class ModelPage(msgspec.Struct, frozen=True):
    """One page. `default_id` is usually on the first page only."""

    models: tuple[Model, ...]
    default_id: str | None
    next_token: str | None


class Profile(msgspec.Struct, frozen=True):
    """An Identity Center profile; its region is the API region."""

    arn: str
    name: str


class ProfilePage(msgspec.Struct, frozen=True):
    """One page of ListAvailableProfiles."""

    profiles: tuple[Profile, ...]
    next_token: str | None


class Allowance(msgspec.Struct, frozen=True):
    """How much of one resource is used, in the resource's own unit. `resets_at` is in seconds since 1970."""

    resource: str
    used: float
    limit: float | None
    overage: float = 0.0
    resets_at: float | None = None


class UsageLimits(msgspec.Struct, frozen=True):
    """GetUsageLimits. `plan` is the subscription's title or type, `user_id` what tells its person from others."""

    plan: str | None
    resets_at: float | None
    overage_enabled: bool
    allowances: tuple[Allowance, ...]
    user_id: str | None = None

    def fraction_left(self) -> float | None:
        """Of what chats are paid with, from 0 to 1; of several allowances the least. None where no limit is named."""
        limited = [each for each in self.allowances if each.limit]
        ours = [each for each in limited if each.resource in _CHAT_RESOURCES] or limited
        fractions = [1 - each.used / each.limit for each in ours if each.limit]
        return min(max(min(fractions), 0.0), 1.0) if fractions else None


def parse_models(body: bytes) -> ModelPage:
    """A page of ListAvailableModels. Raises BackendUnavailable when the body is no JSON object."""
    page = _document(body, "ListAvailableModels")
    models = tuple(_model(entry) for entry in _objects(page, "models") if _text(entry, "modelId"))
    default = page.get("defaultModel")
    default_id = _text(default, "modelId") if isinstance(default, dict) else _text(page, "defaultModel")
    return ModelPage(models, default_id, _text(page, "nextToken"))


def parse_profiles(body: bytes) -> ProfilePage:
    """A page of ListAvailableProfiles. Raises BackendUnavailable when the body is no JSON object."""
    page = _document(body, "ListAvailableProfiles")
    profiles = []
    for entry in _objects(page, "profiles"):
        arn = _text(entry, "arn")
        if arn:
            profiles.append(Profile(arn, _text(entry, "profileName") or arn))
    return ProfilePage(tuple(profiles), _text(page, "nextToken"))


def parse_usage(body: bytes) -> UsageLimits:
    """GetUsageLimits, new and old style. Raises BackendUnavailable when the body is no JSON object."""
    answer = _document(body, "GetUsageLimits")
    resets_at = _number(answer, "nextDateReset")
    single = answer.get("usageBreakdown")
    entries = _objects(answer, "usageBreakdownList") or _objects(answer, "usageBreakdown")
    if not entries and isinstance(single, dict):
        entries = [single]
    allowances = [_allowance(entry, resets_at) for entry in entries]
    for entry in [] if allowances else _objects(answer, "limits"):
        used, limit = _number(entry, "currentUsage") or 0.0, _number(entry, "totalUsageLimit")
        allowances.append(Allowance(_text(entry, "type") or "requests", used, limit, resets_at=resets_at))
    subscription, overage = _object(answer, "subscriptionInfo"), _object(answer, "overageConfiguration")
    return UsageLimits(
        plan=_text(subscription, "subscriptionTitle") or _text(subscription, "type"),
        resets_at=resets_at,
        overage_enabled=_text(overage, "overageStatus") == "ENABLED",
        allowances=tuple(allowances),
        user_id=_text(_object(answer, "userInfo"), "userId"),
    )


class Catalog(msgspec.Struct, frozen=True):
    """The models of an account. `aliases` are the operator's own names for them and win over everything."""

    models: tuple[Model, ...]
    default_id: str | None = None
    aliases: Mapping[str, str] = msgspec.field(default_factory=dict)

    def named(self) -> Iterator[tuple[str, Model]]:
        """What a client may choose from: every model by its id, then those that the operator has names for."""
        ids = {model.id for model in self.models}
        yield from ((model.id, model) for model in self.models)
        for alias in self.aliases:
            if alias not in ids and (model := self._find(alias)) is not None:
                yield alias, model

    def resolve(self, client_name: str, *, any_version: bool = False) -> Model:
        """The model that a client means. Raises ModelNotFound, naming what there is.

        Tried in this order: configured alias, id, id or display name in any case, `auto`, and the same family and
        version in another spelling: `claude-sonnet-4-5`, `claude-4.5-sonnet`, a date, `[1m]`, `-thinking`, the old
        upper-case ids (protocol.md 6.1). Another version only where `any_version` allows it: then the newest of the
        same family, and where a Claude model has none, the default.
        """
        found = self._find(client_name)
        if found is not None:
            return found
        folded = self.aliases.get(client_name, client_name).strip().casefold()
        related = self._related(folded) if any_version else None
        if related is not None:
            return related
        names = ", ".join(model.id for model in self.models) or "none"
        raise ModelNotFound(f"There is no model {client_name[:_MAX_NAME_SHOWN]!r}. Available: {names}.")

    def _find(self, client_name: str) -> Model | None:
        wanted = self.aliases.get(client_name, client_name)
        folded = wanted.strip().casefold()
        for model in self.models:
            if model.id == wanted:
                return model
        for model in self.models:
            if folded in (model.id.casefold(), model.name.casefold()):
                return model
        key = self._default_key() if folded == AUTO else _spelling(folded)
        for model in self.models:
            if key is not None and _spelling(model.id.casefold()) == key:
                return model
        return None

    def _related(self, folded: str) -> Model | None:
        wanted = _spelling(folded)
        if wanted is None or "claude" not in wanted[0]:
            return None
        spelled = ((_spelling(model.id.casefold()), model) for model in self.models)
        family = [(spelling[1], model) for spelling, model in spelled if spelling and spelling[0] == wanted[0]]
        if family:
            return max(family, key=lambda member: [int(number) for number in member[0]])[1]
        return next((model for model in self.models if model.id == self.default_id), None)

    def _default_key(self) -> "_Spelling | None":
        return _spelling(self.default_id.casefold()) if self.default_id else None


_Spelling: TypeAlias = tuple[tuple[str, ...], tuple[str, ...]]

_DECORATION = re.compile(r"(\[1m\]|-thinking|-latest|-v\d+:\d+|(?<=-20\d{6})-v\d+(?:[-.]\d+)?)$")
"""An edition such as `-v1:0`, or `_V1_0` behind a date, is part of old ids; in `deepseek-v3.2` it is the version."""

_DATE = re.compile(r"-20\d{6}(?=-|$)")


def _spelling(folded: str) -> _Spelling | None:
    """Words and version numbers of a model's name: equal for all spellings of one model. None for no name at all."""
    name, before = folded.replace("_", "-"), ""
    while name != before:
        before, name = name, _DECORATION.sub("", name)
    tokens = [token for token in re.split(r"[-.]", _DATE.sub("", name)) if token]
    if not tokens:
        return None
    return tuple(sorted(t for t in tokens if not t.isdigit())), tuple(t for t in tokens if t.isdigit())


def _model(entry: _Object) -> Model:
    limits, metadata = _object(entry, "tokenLimits"), _object(entry, "modelMetadata")
    caching = _object(entry, "promptCaching").get("supportsPromptCaching", entry.get("supportsPromptCache"))
    inputs, old_images = entry.get("supportedInputTypes"), metadata.get("supportsImages")
    model_id = _text(entry, "modelId") or ""
    return Model(
        id=model_id,
        name=_text(entry, "modelName") or model_id,
        description=_text(entry, "description") or "",
        max_input_tokens=_count(limits, "maxInputTokens") or _count(metadata, "maxInputTokens"),
        max_output_tokens=_count(limits, "maxOutputTokens"),
        accepts_images="IMAGE" in inputs if isinstance(inputs, list) else old_images is not False,
        prompt_caching=caching is True,
        caching=_caching(_object(entry, "promptCaching")) if caching is True else None,
        rate=_number(entry, "rateMultiplier"),
        rate_unit=_text(entry, "rateUnit"),
        effort=knob(model_id, entry.get("additionalModelRequestFieldsSchema")),
    )


def _caching(entry: _Object) -> Caching | None:
    minimum = _count(entry, "minimumTokensPerCacheCheckpoint")
    points = _count(entry, "maximumCacheCheckpointsPerRequest")
    return Caching(minimum, points) if minimum and points else None


def _allowance(entry: _Object, resets_at: float | None) -> Allowance:
    return Allowance(
        resource=_text(entry, "resourceType") or _text(entry, "displayName") or "requests",
        used=_precise(entry, "currentUsage") or 0.0,
        limit=_precise(entry, "usageLimit"),
        overage=_precise(entry, "currentOverages") or 0.0,
        resets_at=_number(entry, "nextDateReset") or resets_at,
    )


def _document(body: bytes, operation: str) -> _Object:
    try:
        document = jsontext.parse(body)
    except ValueError as error:
        raise BackendUnavailable(f"The backend's answer to {operation} is not JSON.") from error
    if not isinstance(document, dict):
        raise BackendUnavailable(f"The backend's answer to {operation} is not a JSON object.")
    return document


def _objects(parent: _Object, name: str) -> list[_Object]:
    value = parent.get(name)
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _object(parent: _Object, name: str) -> _Object:
    value = parent.get(name)
    return value if isinstance(value, dict) else {}


def _text(parent: _Object, name: str) -> str | None:
    value = parent.get(name)
    return value if isinstance(value, str) and value else None


def _number(parent: _Object, name: str) -> float | None:
    value = parent.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _precise(parent: _Object, name: str) -> float | None:
    exact = _number(parent, f"{name}WithPrecision")
    return exact if exact is not None else _number(parent, name)


def _count(parent: _Object, name: str) -> int | None:
    value = _number(parent, name)
    return int(value) if value is not None and value > 0 else None
