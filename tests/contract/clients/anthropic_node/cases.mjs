// The Anthropic SDK for JavaScript against the proxy named in the environment; `node --test` runs it.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

const require = createRequire(`${process.env.NODE_PROJECT}/`);
const { Anthropic } = require("@anthropic-ai/sdk");
const { PROXY_BASE_URL, PROXY_KEY: apiKey, PROXY_MODEL: model, SIMULATOR_URL: simulator } = process.env;

const client = new Anthropic({
  baseURL: PROXY_BASE_URL.replace(/\/v1$/, ""),
  apiKey,
  maxRetries: 0,
  timeout: 60_000,
});
const ask = (text) => [{ role: "user", content: text }];
const textOf = (message) => message.content.map((block) => block.text ?? "").join("");
const png =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

test("models", async () => {
  const ids = [];
  for await (const listed of client.models.list()) ids.push(listed.id);
  assert(ids.includes(model));
  assert.equal((await client.models.retrieve(model)).id, model);
});

test("message", async () => {
  const { data, request_id: requestId } = await client.messages
    .create({ model, max_tokens: 999, messages: ask("STUBSAY Grüße, 世界") })
    .withResponse();
  assert.deepEqual(data.content, [{ type: "text", text: "Grüße, 世界", citations: [] }]);
  assert.equal(data.stop_reason, "end_turn");
  assert(data.usage.input_tokens > 0 && data.usage.output_tokens > 0);
  assert(requestId);
});

test("stream", async () => {
  const stream = client.messages.stream({ model, max_tokens: 999, messages: ask("STUBSAY one two three") });
  const heard = [];
  stream.on("text", (text) => heard.push(text));
  const message = await stream.finalMessage();
  assert.equal(heard.join(""), "one two three");
  assert.equal(textOf(message), "one two three");
  assert(message.usage.output_tokens > 0);
});

test("tool loop", async () => {
  const tools = [
    {
      name: "get_weather",
      input_schema: {
        type: "object",
        properties: { city: { type: "string" }, days: { type: "integer" } },
        required: ["city", "days"],
      },
    },
  ];
  const messages = ask("The weather in 'Zürich' for 3 days, please.");
  const first = await client.messages.stream({ model, max_tokens: 999, messages, tools }).finalMessage();
  assert.equal(first.stop_reason, "tool_use");
  const [call] = first.content;
  assert.deepEqual([call.name, call.input], ["get_weather", { city: "Zürich", days: 3 }]);
  messages.push({ role: "assistant", content: first.content });
  messages.push({ role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: "sunny" }] });
  const second = await client.messages.create({ model, max_tokens: 999, messages, tools });
  assert(textOf(second).includes("The tool answered: sunny"));
});

test("thinking", async () => {
  const message = await client.messages
    .stream({
      model: "claude-sonnet-4-6",
      max_tokens: 9999,
      thinking: { type: "enabled", budget_tokens: 2048 },
      messages: ask("STUBTHINK Why?"),
    })
    .finalMessage();
  assert.deepEqual(
    message.content.map((block) => block.type),
    ["thinking", "text"],
  );
  assert(message.content[0].thinking && message.content[0].signature);
});

test("picture and count", async () => {
  const source = { type: "base64", media_type: "image/png", data: png };
  const messages = [{ role: "user", content: [{ type: "image", source }] }];
  const message = await client.messages.create({ model, max_tokens: 999, messages });
  assert(textOf(message).includes("I also received 1 image."));
  const counted = await client.messages.countTokens({ model, messages });
  assert(counted.input_tokens > 0);
});

test("error types", async () => {
  const expected = [
    [Anthropic.NotFoundError, 404, "not_found_error", client, { model: "no/such.model", messages: ask("hello") }],
    [Anthropic.BadRequestError, 400, "invalid_request_error", client, { model, messages: [] }],
    [Anthropic.BadRequestError, 400, "invalid_request_error", client, { model, messages: ask("STUBERR 400") }],
    [
      Anthropic.AuthenticationError,
      401,
      "authentication_error",
      client.withOptions({ apiKey: "wrong" }),
      { model, messages: ask("hello") },
    ],
  ];
  for (const [errorClass, status, kind, from, request] of expected) {
    for (const stream of [false, true]) {
      await assert.rejects(from.messages.create({ max_tokens: 99, ...request, stream }), (error) => {
        assert(error instanceof errorClass, String(error));
        assert.deepEqual([error.status, error.error.error.type], [status, kind]);
        assert(error.requestID);
        return true;
      });
    }
  }
});

for (const [name, fault] of [
  ["error in the middle of a stream", null],
  ["backend gone in the middle of a stream", { kind: "rst-after", after: 4 }],
]) {
  test(name, async () => {
    if (fault !== null) {
      const script = [
        ["turns", { turns: [{ say: "one two three four five six seven eight", pieces: 8 }] }],
        ["faults", fault],
      ];
      for (const [call, body] of script) {
        const answer = await fetch(`${simulator}/__control/${call}`, { method: "POST", body: JSON.stringify(body) });
        assert(answer.ok, await answer.text());
      }
    }
    const heard = [];
    const stream = client.messages.stream({ model, max_tokens: 999, messages: ask("STUBMIDERR one two three") });
    stream.on("text", (text) => heard.push(text));
    await assert.rejects(stream.finalMessage(), (error) => {
      assert(error instanceof Anthropic.APIError, String(error));
      assert(error.message);
      return true;
    });
    assert(heard.length > 0);
  });
}
