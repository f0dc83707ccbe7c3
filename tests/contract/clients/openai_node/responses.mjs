// The OpenAI SDK for JavaScript and the Responses API of the proxy named in the environment; `node --test` runs it.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

const OpenAI = createRequire(`${process.env.NODE_PROJECT}/`)("openai");
const { PROXY_BASE_URL: baseURL, PROXY_KEY: apiKey, PROXY_MODEL: model, SIMULATOR_URL: simulator } = process.env;

const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, timeout: 30_000 });
const weather = {
  type: "function",
  name: "get_weather",
  description: "The weather of a city.",
  strict: false,
  parameters: {
    type: "object",
    properties: { city: { type: "string" }, days: { type: "integer" } },
    required: ["city", "days"],
  },
};
const prompt = "The weather in 'Zürich' for 3 days, please.";

async function script(call, body) {
  const answer = await fetch(`${simulator}/__control/${call}`, { method: "POST", body: JSON.stringify(body) });
  assert(answer.ok, await answer.text());
}

/** What a stream said until its end or its error. */
async function hear(stream) {
  const heard = { types: [], text: "", error: null };
  try {
    for await (const event of stream) {
      heard.types.push(event.type);
      if (event.type === "response.output_text.delta") heard.text += event.delta;
    }
  } catch (error) {
    heard.error = error;
  }
  return heard;
}

test("whole", async () => {
  const answer = await client.responses.create({ model, input: "STUBSAY Grüße, 世界" });
  assert.equal(answer.output_text, "Grüße, 世界");
  assert.equal(answer.status, "completed");
  assert.equal((await client.responses.retrieve(answer.id)).output_text, "Grüße, 世界");
});

test("stream", async () => {
  const heard = await hear(await client.responses.create({ model, input: "STUBSAY one two three", stream: true }));
  assert.equal(heard.error, null);
  assert.equal(heard.text, "one two three");
  assert.deepEqual([heard.types[0], heard.types.at(-1)], ["response.created", "response.completed"]);
  const helped = client.responses.stream({ model, input: "STUBSAY one two three" });
  assert.equal((await helped.finalResponse()).output_text, "one two three");
});

test("a tool and back", async () => {
  const first = await client.responses.stream({ model, input: prompt, tools: [weather] }).finalResponse();
  const [call] = first.output;
  assert.deepEqual([call.name, JSON.parse(call.arguments)], ["get_weather", { city: "Zürich", days: 3 }]);
  const output = { type: "function_call_output", call_id: call.call_id, output: "sunny and 20 degrees" };
  const second = await client.responses.create({ model, input: [output], previous_response_id: first.id });
  assert(second.output_text.includes("sunny and 20 degrees"), second.output_text);
});

test("a custom tool", async () => {
  const tools = [{ type: "custom", name: "patch", description: "Edits." }];
  const answer = await client.responses.stream({ model, input: "Write 'it'.", tools }).finalResponse();
  assert.deepEqual([answer.output[0].type, answer.output[0].input], ["custom_tool_call", "it"]);
});

test("structured output", async () => {
  const format = { type: "json_schema", name: "weather", schema: weather.parameters, strict: false };
  const answer = await client.responses.parse({ model, input: prompt, text: { format } });
  assert.deepEqual(answer.output_parsed, { city: "Zürich", days: 3 });
});

test("too few tokens", async () => {
  const input = `STUBSAY ${"word ".repeat(200)}`;
  const answer = await client.responses.stream({ model, input, max_output_tokens: 16 }).finalResponse();
  assert.deepEqual([answer.status, answer.incomplete_details.reason], ["incomplete", "max_output_tokens"]);
  assert.equal(answer.output.at(-1).status, "incomplete");
});

test("error types", async () => {
  const expected = [
    [OpenAI.NotFoundError, { model: "no/such.model", input: "hello" }],
    [OpenAI.BadRequestError, { model, input: [] }],
    [OpenAI.BadRequestError, { model, input: "hello", previous_response_id: "resp_none" }],
  ];
  for (const [errorClass, request] of expected) {
    for (const stream of [false, true]) {
      await assert.rejects(client.responses.create({ ...request, stream }), errorClass);
    }
  }
});

const faults = [
  ...["rst-after", "fin-mid-chunk", "bad-chunk", "truncated-frame", "bad-prelude-crc", "bad-message-crc"],
  ...["oversize-frame", "undersize-frame", "eof", "exception", "error-frame"],
];
for (const kind of faults) {
  test(`an answer that breaks off: ${kind}`, async () => {
    for (const helped of [false, true]) {
      await script("turns", { turns: [{ say: "one two three four five six seven eight", pieces: 8 }] });
      await script("faults", { kind, after: 4 });
      const request = { model, input: "count" };
      const stream = helped
        ? client.responses.stream(request)
        : await client.responses.create({ ...request, stream: true });
      const heard = await hear(stream);
      assert(heard.error instanceof OpenAI.OpenAIError, String(heard.error));
      assert(heard.error.message.length > 10, heard.error.message);
      assert(heard.text);
      assert(!heard.types.includes("response.completed"));
    }
  });
}
