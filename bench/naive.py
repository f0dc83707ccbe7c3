"""The proxy to beat: what one writes first with FastAPI, httpx and pydantic. Nothing in it is slowed down on purpose.

A pydantic model for the request, a walk over dicts to convert it, one httpx client with its default limits,
botocore's decoder, a pydantic model per chunk, a StreamingResponse (performance.md 1, "naive").

`python -m bench.naive --endpoint URL` prints `ready on http://127.0.0.1:PORT`.
"""

import argparse
import json
import signal
import socket
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn
from botocore.eventstream import EventStreamBuffer
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

LIFETIME_SECONDS = 1800


class Message(BaseModel):
    role: str
    content: str | list[dict[str, Any]] | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: str | None = None


class ChatRequest(BaseModel):
    model: str
    messages: list[Message]
    tools: list[dict[str, Any]] | None = None
    stream: bool = False


class Delta(BaseModel):
    role: str | None = None
    content: str | None = None


class Choice(BaseModel):
    index: int = 0
    delta: Delta
    finish_reason: str | None = None


class Chunk(BaseModel):
    id: str
    object: str = "chat.completion.chunk"
    created: int
    model: str
    choices: list[Choice]


def text_of(content: str | list[dict[str, Any]] | None) -> str:
    """The text of a message's content."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in content if part.get("type") == "text")


def convert_tool(tool: dict[str, Any]) -> dict[str, Any]:
    function = tool["function"]
    return {
        "toolSpecification": {
            "name": function["name"],
            "description": function.get("description") or function["name"],
            "inputSchema": {"json": function.get("parameters") or {}},
        }
    }


def convert_assistant(message: Message) -> dict[str, Any]:
    converted: dict[str, Any] = {"content": text_of(message.content)}
    if message.tool_calls:
        converted["toolUses"] = [
            {
                "toolUseId": call["id"],
                "name": call["function"]["name"],
                "input": json.loads(call["function"]["arguments"]),
            }
            for call in message.tool_calls
        ]
    return {"assistantResponseMessage": converted}


def convert_user(texts: list[str], results: list[dict[str, Any]]) -> dict[str, Any]:
    message: dict[str, Any] = {"content": "\n\n".join(texts), "origin": "AI_EDITOR"}
    if results:
        message["userInputMessageContext"] = {"toolResults": results}
    return {"userInputMessage": message}


def convert(request: ChatRequest) -> dict[str, Any]:
    """An OpenAI request as a ConversationState in its envelope."""
    history: list[dict[str, Any]] = []
    texts: list[str] = []
    results: list[dict[str, Any]] = []
    for message in request.messages:
        if message.role == "assistant":
            history += [convert_user(texts, results), convert_assistant(message)]
            texts, results = [], []
        elif message.role == "tool":
            results.append(
                {
                    "toolUseId": message.tool_call_id,
                    "content": [{"text": text_of(message.content)}],
                    "status": "success",
                }
            )
        else:
            texts.append(text_of(message.content))
    current = convert_user(texts, results)
    current["userInputMessage"]["modelId"] = request.model
    if request.tools:
        context = current["userInputMessage"].setdefault("userInputMessageContext", {})
        context["tools"] = [convert_tool(tool) for tool in request.tools]
    return {
        "conversationState": {
            "chatTriggerType": "MANUAL",
            "conversationId": str(uuid.uuid4()),
            "currentMessage": current,
            "history": history,
        }
    }


def line(chunk: Chunk) -> str:
    return f"data: {chunk.model_dump_json(exclude_none=True)}\n\n"


async def stream(client: httpx.AsyncClient, endpoint: str, request: ChatRequest) -> AsyncIterator[str]:
    """The answer's SSE lines."""
    answer_id, created = f"chatcmpl-{uuid.uuid4().hex}", int(time.time())

    def chunk(delta: Delta, finish_reason: str | None = None) -> str:
        choice = Choice(delta=delta, finish_reason=finish_reason)
        return line(Chunk(id=answer_id, created=created, model=request.model, choices=[choice]))

    headers = {"authorization": "Bearer benchmark", "accept": "application/vnd.amazon.eventstream"}
    url = f"{endpoint}/generateAssistantResponse"
    async with client.stream("POST", url, json=convert(request), headers=headers) as response:
        response.raise_for_status()
        yield chunk(Delta(role="assistant"))
        buffer = EventStreamBuffer()
        async for data in response.aiter_bytes():
            buffer.add_data(data)
            for frame in buffer:
                event: dict[str, Any] = frame.to_response_dict()
                if event["headers"][":event-type"] == "assistantResponseEvent":
                    yield chunk(Delta(content=json.loads(event["body"])["content"]))
    yield chunk(Delta(), "stop")
    yield "data: [DONE]\n\n"


def create_app(endpoint: str) -> FastAPI:
    """The application in front of the backend at `endpoint`."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with httpx.AsyncClient() as client:
            app.state.client = client
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/v1/chat/completions")
    async def chat(request: ChatRequest) -> StreamingResponse:
        lines = stream(app.state.client, endpoint, request)
        return StreamingResponse(lines, media_type="text/event-stream")

    return app


class Server(uvicorn.Server):
    """Says when it listens."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            _, port = listener.getsockname()
            print(f"ready on http://127.0.0.1:{port}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint", required=True)
    signal.alarm(LIFETIME_SECONDS)
    app = create_app(parser.parse_args().endpoint)
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    Server(uvicorn.Config(app, access_log=False, log_level="critical")).run(sockets=[listener])


if __name__ == "__main__":
    main()
