"""How much a model is to think: the client's word for it in the fields that the model's own schema allows.

The schema is published per model by ListAvailableModels on the kiro surface (protocol.md 1.5, 6.3). A model without
one, and any of version 4.5, refuses the whole request when such a field is there (backend-rules.md A4 46).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

import msgspec

_ORDER: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_REFUSING: Final = re.compile(r"4[._-]5(?![0-9])")

_Object: TypeAlias = Mapping[str, object]


class Knob(msgspec.Struct, frozen=True):
    """member: the field that holds `effort`. efforts: its values. thinking, displays: those of `thinking`, where there
    is such a field.
    """

    member: Literal["output_config", "reasoning"]
    efforts: tuple[str, ...]
    thinking: tuple[str, ...] = ()
    displays: tuple[str, ...] = ()

    def fields(self, effort: str, *, thinks: bool = True) -> bytes:
        """`additionalModelRequestFields` as JSON text. A level that the model does not have becomes the nearest one.

        thinks: false where the model is not to think, whatever the effort; where the effort is all that a model can be
        told, it is that of its thinking.
        """
        if not thinks and self.member == "reasoning":
            effort = "none"
        if effort == "none" and "disabled" in self.thinking:
            return msgspec.json.encode({"thinking": {"type": "disabled"}})
        if not thinks and "disabled" in self.thinking:
            told = {"thinking": {"type": "disabled"}, self.member: {"effort": self._nearest(effort)}}
            return msgspec.json.encode(told)
        fields: dict[str, dict[str, str]] = {}
        if "adaptive" in self.thinking:
            fields["thinking"] = {"type": "adaptive"}
            if "summarized" in self.displays:
                fields["thinking"]["display"] = "summarized"
        fields[self.member] = {"effort": self._nearest(effort)}
        return msgspec.json.encode(fields)

    def _nearest(self, effort: str) -> str:
        wanted = _place(effort)
        return min(self.efforts, key=lambda known: (abs(_place(known) - wanted), _place(known)))


def knob(model_id: str, schema: object) -> Knob | None:
    """What the model's schema of request fields allows, None for nothing that is known here."""
    if _REFUSING.search(model_id):
        return None
    members = _members(schema)
    thinking = _members(members.get("thinking"))
    names: tuple[Literal["output_config", "reasoning"], ...] = ("output_config", "reasoning")
    for member in names:
        efforts = [word for word in _choices(_members(members.get(member)).get("effort")) if word in _ORDER]
        if efforts:
            return Knob(
                member,
                tuple(efforts),
                tuple(_choices(thinking.get("type"))),
                tuple(_choices(thinking.get("display"))),
            )
    return None


def _place(effort: str) -> int:
    return _ORDER.index(effort) if effort in _ORDER else _ORDER.index("medium")


def _members(schema: object) -> _Object:
    found = schema.get("properties") if isinstance(schema, dict) else None
    return found if isinstance(found, dict) else {}


def _choices(schema: object) -> Sequence[str]:
    found = schema.get("enum") if isinstance(schema, dict) else None
    return [word for word in found if isinstance(word, str)] if isinstance(found, list) else []
