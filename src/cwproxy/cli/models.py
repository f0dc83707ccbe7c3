"""`cwproxy models`."""

import sys

import msgspec
from rich.console import Console
from rich.table import Table

from cwproxy.settings import Settings
from cwproxy.wiring import open_service


async def models(settings: Settings, *, as_json: bool) -> None:
    """Print what the account may use, and the names of the settings; the default model is marked."""
    async with open_service(settings) as service:
        catalog = await service.models()
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(catalog.models), indent=2).decode() + "\n")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("model", "name", "input tokens", "images"):
        table.add_column(heading, justify="right" if heading == "input tokens" else "left")
    for name, model in catalog.named():
        mark = " (default)" if name == catalog.default_id else "" if name == model.id else f" ({model.id})"
        window = f"{model.max_input_tokens:,}" if model.max_input_tokens else "?"
        table.add_row(name + mark, model.name, window, "yes" if model.accepts_images else "no")
    Console().print(table)
