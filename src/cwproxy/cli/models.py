"""`cwproxy models`."""

import sys

import msgspec
from rich.console import Console
from rich.table import Table

from cwproxy.settings import Settings
from cwproxy.wiring import open_service


async def models(settings: Settings, *, as_json: bool) -> None:
    """Print what the account may use; the default model is marked."""
    async with open_service(settings) as service:
        catalog = await service.models()
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(catalog.models), indent=2).decode() + "\n")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("model", "name", "input tokens", "images"):
        table.add_column(heading, justify="right" if heading == "input tokens" else "left")
    for model in catalog.models:
        mark = " (default)" if model.id == catalog.default_id else ""
        window = f"{model.max_input_tokens:,}" if model.max_input_tokens else "?"
        table.add_row(model.id + mark, model.name, window, "yes" if model.accepts_images else "no")
    Console().print(table)
