"""An MCP server over standard input and output with one tool, whose full name in Claude Code has 90 characters."""

import json
import sys
from typing import Any

SERVER = "plugin_long_winded_server"
NAME = "do_the_thing_".ljust(90 - len(f"mcp__{SERVER}__"), "x")
TOOL = {
    "name": NAME,
    "description": "Does the thing.",
    "inputSchema": {"type": "object", "properties": {"what": {"type": "string"}}, "required": ["what"]},
}


def answer(method: str, params: dict[str, Any]) -> dict[str, Any]:
    match method:
        case "initialize":
            server = {"name": SERVER, "version": "1"}
            return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": server}
        case "tools/list":
            return {"tools": [TOOL]}
        case "tools/call":
            return {"content": [{"type": "text", "text": f"did {params['arguments']['what']}"}]}
        case _:
            return {}


if __name__ == "__main__":
    for line in sys.stdin:
        message = json.loads(line)
        if "id" in message:
            result = answer(message["method"], message.get("params") or {})
            print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
