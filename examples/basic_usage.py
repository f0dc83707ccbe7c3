"""The smallest use: no SDK, one plain answer and one streamed answer.

    pip install httpx
    python examples/basic_usage.py

`CWPROXY_URL` names another server than http://127.0.0.1:3000, `CWPROXY_API_KEY` a key where one is needed.
"""

import json
import os

import httpx

BASE_URL = os.environ.get("CWPROXY_URL", "http://127.0.0.1:3000") + "/v1"
KEY = os.environ.get("CWPROXY_API_KEY", "not-needed-on-loopback")
MODEL = os.environ.get("CWPROXY_MODEL", "auto")


def main() -> None:
    with httpx.Client(base_url=BASE_URL, headers={"authorization": f"Bearer {KEY}"}, timeout=600) as client:
        models = client.get("/models").raise_for_status().json()["data"]
        print("models:", ", ".join(model["id"] for model in models))

        body = {"model": MODEL, "messages": [{"role": "user", "content": "Say hello in five words."}]}
        answer = client.post("/chat/completions", json=body).raise_for_status().json()
        print("answer:", answer["choices"][0]["message"]["content"])
        print("tokens:", answer["usage"]["total_tokens"])

        print("stream: ", end="")
        with client.stream("POST", "/chat/completions", json={**body, "stream": True}) as response:
            response.raise_for_status()
            for line in response.iter_lines():
                if not line.startswith("data: ") or line == "data: [DONE]":
                    continue  # blank lines, and ": ping" comments while the model thinks
                chunk = json.loads(line.removeprefix("data: "))
                if "error" in chunk:
                    raise SystemExit(f"the answer broke off: {chunk['error']['message']}")
                print(chunk["choices"][0]["delta"].get("content") or "", end="", flush=True)
        print()


if __name__ == "__main__":
    main()
