// The OpenAI SDK for JavaScript against the proxy named in the environment; `node --test` runs it.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

const OpenAI = createRequire(`${process.env.NODE_PROJECT}/`)("openai");
const { PROXY_BASE_URL: baseURL, PROXY_KEY: apiKey, PROXY_MODEL: model, SIMULATOR_URL: simulator } = process.env;

const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, timeout: 60_000 });
const ask = (text) => [{ role: "user", content: text }];

const admin = process.env.PROXY_ADMIN_URL;
const operator = { headers: { authorization: `Bearer ${process.env.PROXY_ADMIN_KEY}` } };

/** What a case has made the proxy think of its one account does not outlast it. */
async function recover() {
  const { accounts } = await (await fetch(`${admin}/accounts`, operator)).json();
  for (const { id } of accounts) {
    const answer = await fetch(`${admin}/accounts/${id}/recover`, { ...operator, method: "POST" });
    assert(answer.ok, await answer.text());
  }
}

/** What a stream said until its end or its error. */
async function hear(stream) {
  const heard = { text: "", finishReasons: [], usage: [], error: null };
  try {
    for await (const chunk of stream) {
      if ("usage" in chunk) heard.usage.push(chunk.usage);
      for (const { delta, finish_reason: reason } of chunk.choices) {
        heard.text += delta.content ?? "";
        if (reason) heard.finishReasons.push(reason);
      }
    }
  } catch (error) {
    heard.error = error;
  }
  return heard;
}

test("models", async () => {
  const ids = [];
  for await (const listed of client.models.list()) ids.push(listed.id);
  assert(ids.includes(model));
  assert.equal((await client.models.retrieve(model)).id, model);
});

test("chat", async () => {
  const { data, request_id: requestId } = await client.chat.completions
    .create({ model, messages: ask("STUBSAY Grüße, 世界") })
    .withResponse();
  assert.equal(data.choices[0].message.content, "Grüße, 世界");
  assert.equal(data.choices[0].finish_reason, "stop");
  assert.equal(data.usage.total_tokens, data.usage.prompt_tokens + data.usage.completion_tokens);
  assert(requestId);
});

test("chat stream", async () => {
  const request = { model, messages: ask("STUBSAY one two three"), stream: true };
  const plain = await hear(await client.chat.completions.create(request));
  assert.deepEqual(plain, { text: "one two three", finishReasons: ["stop"], usage: [], error: null });
  const counted = await hear(
    await client.chat.completions.create({ ...request, stream_options: { include_usage: true } }),
  );
  assert.equal(counted.text, "one two three");
  assert(counted.usage.at(-1).total_tokens > 0);
  assert(counted.usage.slice(0, -1).every((usage) => usage === null));
});

for (const stream of [false, true]) {
  test(`tool loop, stream: ${stream}`, async () => {
    const calls = [];
    const runner = client.chat.completions.runTools({
      model,
      stream,
      messages: ask("The weather in 'Zürich' for 3 days, please."),
      tools: [
        {
          type: "function",
          function: {
            name: "get_weather",
            description: "The weather of a city.",
            parse: JSON.parse,
            parameters: {
              type: "object",
              properties: { city: { type: "string" }, days: { type: "integer" } },
              required: ["city", "days"],
            },
            function: (input) => {
              calls.push(input);
              return "sunny and 20 degrees";
            },
          },
        },
      ],
    });
    const text = await runner.finalContent();
    assert.deepEqual(calls, [{ city: "Zürich", days: 3 }]);
    assert(text.includes("sunny and 20 degrees"), text);
  });
}

test("error types", async () => {
  const expected = [
    [OpenAI.NotFoundError, 404, "model_not_found", client, { model: "no/such.model", messages: ask("hello") }],
    [OpenAI.BadRequestError, 400, "missing_required_parameter", client, { model, messages: [] }],
    [OpenAI.RateLimitError, 429, "rate_limit_exceeded", client, { model, messages: ask("STUBERR 429") }],
    [OpenAI.InternalServerError, 502, "upstream_error", client, { model, messages: ask("STUBERR 503") }],
    [
      OpenAI.AuthenticationError,
      401,
      "invalid_api_key",
      client.withOptions({ apiKey: "wrong" }),
      { model, messages: ask("hello") },
    ],
  ];
  for (const [errorClass, status, code, from, request] of expected) {
    for (const stream of [false, true]) {
      await assert.rejects(from.chat.completions.create({ ...request, stream }), (error) => {
        assert(error instanceof errorClass, String(error));
        assert.deepEqual([error.status, error.code], [status, code]);
        assert(error.requestID);
        assert(error.message.length > 5);
        return true;
      });
      await recover();
    }
  }
});

test("error in the middle of a stream", async () => {
  const heard = await hear(await client.chat.completions.create({ model, messages: ask("STUBMIDERR"), stream: true }));
  assert(heard.error instanceof OpenAI.APIError, String(heard.error));
  assert(heard.error.message);
  assert(heard.text);
  assert.deepEqual(heard.finishReasons, []);
});

test("backend gone in the middle of a stream", async () => {
  const script = [
    ["turns", { turns: [{ say: "one two three four five six seven eight", pieces: 8 }] }],
    ["faults", { kind: "rst-after", after: 4 }],
  ];
  for (const [call, body] of script) {
    const answer = await fetch(`${simulator}/__control/${call}`, { method: "POST", body: JSON.stringify(body) });
    assert(answer.ok, await answer.text());
  }
  const heard = await hear(await client.chat.completions.create({ model, messages: ask("count"), stream: true }));
  assert(heard.error instanceof OpenAI.APIError, String(heard.error));
  assert(heard.text);
  assert.deepEqual(heard.finishReasons, []);
});
