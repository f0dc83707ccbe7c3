"""Ends and usage, for both forms of a message."""

import pytest

from cwproxy.dialects.anthropic_messages.shape import ending, usage_object
from cwproxy.reply import StopReason, Usage


@pytest.mark.parametrize("reason", StopReason)
@pytest.mark.parametrize("called", [False, True])
def test_a_call_is_never_hidden_by_a_quiet_end(reason: StopReason, called: bool) -> None:
    quiet = {"end_turn", "stop_sequence"}
    assert (ending(reason, called=called) in quiet) <= (not called)


def test_what_came_from_the_cache_is_counted_apart() -> None:
    told = usage_object(Usage(10, 5, "backend", cache_read_tokens=6, cache_write_tokens=1))
    assert (told.input_tokens, told.cache_read_input_tokens, told.cache_creation_input_tokens) == (3, 6, 1)


def test_counts_that_contradict_each_other_are_not_negative() -> None:
    assert usage_object(Usage(1, 5, "backend", cache_read_tokens=6)).input_tokens == 0
