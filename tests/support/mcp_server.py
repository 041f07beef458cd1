"""A small server of tools, by hand: run as a program it speaks on its standard input and output.

Its tools behave well or badly by their names. `python mcp_server.py NAME…` offers just those.
"""

import base64
import json
import os
import sys
from typing import Any

ANY = {"type": "object", "properties": {"text": {"type": "string"}}}


def _say(text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text}]


PICTURE = {"type": "image", "mimeType": "image/png", "data": base64.b64encode(bytes(300)).decode()}
FILE = {"type": "resource", "resource": {"uri": "file:///a", "mimeType": "application/zip", "blob": "AAAA"}}


def call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The result of a tool."""
    match name:
        case "echo":
            return {"content": _say(f"you said {arguments.get('text', '')}")}
        case "picture":
            return {"content": [*_say("here:"), PICTURE, FILE]}
        case "structured":
            return {"content": [], "structuredContent": {"degrees": 21}}
        case "broken":
            return {"content": _say("no such\norder"), "isError": True}
        case "huge":
            return {"content": _say("x" * int(arguments.get("text") or 200_000))}
        case "environ":
            return {"content": _say(" ".join(sorted(os.environ)))}
        case "exit":
            sys.exit(3)
    return {"content": _say("\0 half a letter")}


def answer(request: dict[str, Any], names: list[str]) -> dict[str, Any] | None:
    """What it says to a message; none to one that wants no answer."""
    method, parameters = request.get("method"), request.get("params") or {}
    if "id" not in request:
        return None
    result: dict[str, Any]
    match method:
        case "initialize":
            result = {
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "test", "version": "1"},
            }
        case "tools/list":
            result = {"tools": [{"name": n, "description": f"Do {n}.", "inputSchema": _schema(n)} for n in names]}
        case "tools/call":
            if parameters["name"] == "silent":
                return None
            result = call(parameters["name"], parameters.get("arguments") or {})
        case _:
            return {"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32601, "message": "no such method"}}
    return {"jsonrpc": "2.0", "id": request["id"], "result": result}


def _schema(name: str) -> dict[str, Any]:
    return {"type": "object", "properties": {"x": {"enum": ["y" * 30_000]}}} if name == "wide" else ANY


def main() -> None:
    """Until the input ends."""
    for line in sys.stdin:
        reply = answer(json.loads(line), sys.argv[1:])
        if reply is not None:
            sys.stdout.write(json.dumps(reply) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
