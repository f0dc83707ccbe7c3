"""The tools that a model may call in an answer, for judging calls that it writes as text."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import msgspec

from cwproxy.filters.conformance import Contract
from cwproxy.filters.notation import Notation, Written
from cwproxy.filters.spoken_calls import Call


class Offered(msgspec.Struct, frozen=True):
    """name: the client's own. schema: JSON text of the parameters."""

    name: str
    schema: bytes


class Offer(msgspec.Struct, frozen=True, dict=True):
    """tools: by every name that the model knows them by. seed: makes the calls' ids unique, at most 40 characters."""

    tools: Mapping[str, Offered]
    seed: str

    @cached_property
    def notation(self) -> Notation:
        return Notation(self.tools)

    @cached_property
    def _contracts(self) -> dict[str, Contract | None]:
        return {}

    def call(self, written: Written) -> Call | None:
        """None when there is no such tool, and when the arguments are not known to be right for it."""
        offered = self.tools.get(written.name)
        if offered is None:
            return None
        try:
            text, arguments = _object(written.arguments)
            fault = self._contract(offered).fault(arguments)
        except (msgspec.DecodeError, ValueError, RecursionError):
            return None
        return Call(offered.name, text) if fault is None else None

    def _contract(self, offered: Offered) -> Contract:
        """Raises ValueError when its schema cannot be used, each time."""
        contracts = self._contracts
        if offered.name not in contracts:
            contracts[offered.name] = None
            contracts[offered.name] = Contract(offered.schema)
        contract = contracts[offered.name]
        if contract is None:
            raise ValueError("the schema cannot be used")
        return contract


def _object(text: str) -> tuple[str, dict[str, Any]]:
    """The arguments, which some models write as a string of JSON, as OpenAI's API has them. Raises DecodeError."""
    value = msgspec.json.decode(text, type=dict[str, Any] | str)
    if isinstance(value, dict):
        return text, value
    return value, msgspec.json.decode(value, type=dict[str, Any])
