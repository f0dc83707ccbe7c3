"""`cwproxy demo`: the whole thing, as a user would type it, against the simulator."""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from cwproxy.cli.login import SIMULATED_START_URL
from cwproxy.errors import CwproxyError, SettingsError
from cwproxy.settings import child_environment

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolUnionParam

READY_SECONDS = 30.0
STOP_SECONDS = 10.0
SURFACES = ("q", "codewhisperer", "kiro")

console = Console(highlight=False, soft_wrap=True)


async def demo(*, surface: str, home: Path | None) -> None:
    """Start every part as its own program, hold a conversation, and stop them. Raises CwproxyError if one fails."""
    if surface not in SURFACES:
        raise SettingsError(f"The demo knows the surfaces {', '.join(SURFACES)}.")
    importing = asyncio.get_running_loop().run_in_executor(None, _import_openai)
    async with AsyncExitStack() as stack:
        directory = home or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cwproxy-demo-")))
        simulator = await stack.enter_async_context(_program(directory, "simulate", "--port", "0", "--auto-approve"))
        await importing
        from openai import AsyncOpenAI

        identity = ["--start-url", SIMULATED_START_URL] if surface == "kiro" else []
        await _finished(directory, "login", "--no-browser", "--endpoint", simulator, *identity)
        proxy = await stack.enter_async_context(
            _program(directory, "serve", "--endpoint", simulator, "--surface", surface, "--port", "0")
        )
        async with AsyncOpenAI(base_url=f"{proxy}/v1", api_key="unused-on-loopback") as client:
            await _streamed_answer(client)
            await _tool_round_trip(client)
    console.print(
        "\n[green]Everything worked.[/] With your own account: [bold]cwproxy login[/], then [bold]cwproxy serve[/]."
    )


def _import_openai() -> None:
    """Takes a second, in which the programs can start."""
    try:
        import_module("openai")
    except ImportError:
        raise CwproxyError(
            "The demo talks to the proxy with OpenAI's own client, which is not installed: "
            "`pipx inject cwproxy openai`, or `pip install openai` where cwproxy was installed with pip."
        ) from None


async def _streamed_answer(client: "AsyncOpenAI") -> None:
    _heading("A streamed answer")
    prompt = "Why do birds sing in the morning?"
    console.print(f"[cyan]user[/]       {prompt}")
    stream = await client.chat.completions.create(
        model="auto",
        messages=[{"role": "user", "content": prompt}],
        stream=True,
        stream_options={"include_usage": True},
    )
    console.print("[cyan]assistant[/]  ", end="")
    async for chunk in stream:
        if chunk.choices:
            console.print(chunk.choices[0].delta.content or "", end="", markup=False)
        if chunk.usage:
            console.print(f"\n[dim]{chunk.usage.prompt_tokens} + {chunk.usage.completion_tokens} tokens[/]")


async def _tool_round_trip(client: "AsyncOpenAI") -> None:
    _heading("A tool call")
    tools: list[ChatCompletionToolUnionParam] = [
        {
            "type": "function",
            "function": {
                "name": "multiply",
                "description": "Multiply two integers.",
                "parameters": {
                    "type": "object",
                    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
                    "required": ["a", "b"],
                },
            },
        }
    ]
    prompt = "What is 6 times 7?"
    console.print(f"[cyan]user[/]       {prompt}")
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": prompt}]
    first = (await client.chat.completions.create(model="auto", messages=messages, tools=tools)).choices[0]
    calls = [call for call in first.message.tool_calls or [] if call.type == "function"]
    if first.finish_reason != "tool_calls" or not calls:
        raise CwproxyError("The demo expected a tool call and got none.")
    messages.append(
        {
            "role": "assistant",
            "content": first.message.content,
            "tool_calls": [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.function.name, "arguments": call.function.arguments},
                }
                for call in calls
            ],
        }
    )
    for call in calls:
        numbers = json.loads(call.function.arguments)
        result = numbers["a"] * numbers["b"]
        console.print(f"[cyan]tool call[/]  {call.function.name}({call.function.arguments})", markup=True)
        console.print(f"[cyan]tool[/]       {result}")
        messages.append({"role": "tool", "tool_call_id": call.id, "content": str(result)})
    last = (await client.chat.completions.create(model="auto", messages=messages, tools=tools)).choices[0]
    console.print("[cyan]assistant[/]  ", end="")
    console.print(last.message.content, markup=False)


def _heading(text: str) -> None:
    console.print(f"\n[bold]{text}[/]")


@asynccontextmanager
async def _program(home: Path, *arguments: str) -> AsyncIterator[str]:
    """A server that runs until the context is left; the address that it says it is ready on."""
    process = await _start(home, *arguments)
    try:
        yield await _ready(process, arguments[0])
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _finished(home: Path, *arguments: str) -> None:
    process = await _start(home, *arguments)
    assert process.stdout is not None  # noqa: S101 - it was asked for below
    async for line in process.stdout:
        console.print(f"  {line.decode().rstrip()}", markup=False)
    if await process.wait() != 0:
        raise CwproxyError(f"`cwproxy {arguments[0]}` failed.")


async def _start(home: Path, *arguments: str) -> asyncio.subprocess.Process:
    console.print(f"[bold]$[/] cwproxy {' '.join(arguments)}")
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cwproxy",
        *arguments,
        env=child_environment(home),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT if arguments[0] == "login" else None,
    )


async def _ready(process: asyncio.subprocess.Process, name: str) -> str:
    assert process.stdout is not None  # noqa: S101 - it was asked for above
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), READY_SECONDS)).decode().strip()
    except TimeoutError:
        raise CwproxyError(f"`cwproxy {name}` did not get ready in {READY_SECONDS:.0f} s.") from None
    if " ready on " not in line:
        raise CwproxyError(f"`cwproxy {name}` did not start.")
    console.print(f"  {line}", markup=False)
    return line.rpartition(" ")[2]
