"""The routes of OpenAI's Responses API (compatibility.md 2.1)."""

import asyncio
import time

from fastapi import FastAPI

from cwproxy.api.access import AccessPolicy
from cwproxy.api.answering import answering_what
from cwproxy.api.answers import Surroundings
from cwproxy.api.exchange import Exchange
from cwproxy.dialects.openai_responses import Past, ResponsesRequest, read


def add_routes(app: FastAPI, prefix: str, around: Surroundings, access: AccessPolicy) -> None:
    """`/responses` under `prefix`."""

    def parse(data: bytes) -> ResponsesRequest:
        return read(data).asked(Past(), clock=time.time)

    async def asked(data: bytes, exchange: Exchange) -> ResponsesRequest:
        if len(data) < around.limits.offload_bytes:
            return parse(data)
        return await asyncio.to_thread(parse, data)

    app.add_route(f"{prefix}/responses", answering_what(around, access, asked), methods=["POST"])
