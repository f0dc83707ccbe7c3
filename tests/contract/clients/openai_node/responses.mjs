// The OpenAI SDK for JavaScript and the Responses API of the proxy named in the environment; `node --test` runs it.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

const OpenAI = createRequire(`${process.env.NODE_PROJECT}/`)("openai");
const { PROXY_BASE_URL: baseURL, PROXY_KEY: apiKey, PROXY_MODEL: model, SIMULATOR_URL: simulator } = process.env;

const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, timeout: 60_000 });
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

test("a silence is no end", async () => {
  await script("turns", { turns: [{ say: "one two three four five six seven eight", pieces: 8 }] });
  await script("faults", { kind: "stall", after: 4, seconds: 1 });
  const heard = await hear(await client.responses.create({ model, input: "count", stream: true }));
  assert.deepEqual([heard.text, heard.types.at(-1)], ["one two three four five six seven eight", "response.completed"]);
});

const patch = { type: "custom", name: "patch", description: "Edits." };
const call = (name, input) => ({ call: { name, input }, pieces: 8 });
const answers = {
  text: { say: "one two three four five six seven eight", pieces: 8 },
  function: call("get_weather", { city: "Zürich on a rainy day in spring", days: 3 }),
  custom: call("patch", { input: "one two three four five six seven eight" }),
};
const faults = [
  ...["rst-after", "fin-mid-chunk", "fin-without-length", "bad-chunk", "truncated-frame", "bad-prelude-crc"],
  ...["bad-message-crc", "bad-payload", "oversize-frame", "undersize-frame", "eof", "exception", "error-frame"],
];
const broken = [
  ...faults.map((kind) => [kind, "text"]),
  ...["rst-after", "truncated-frame", "eof", "exception", "open-tool"].flatMap((kind) => [
    [kind, "function"],
    [kind, "custom"],
  ]),
];

/** What the proxy itself says at the end of its stream. */
async function sentence(request) {
  const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
  const body = JSON.stringify({ ...request, stream: true });
  const answer = await fetch(`${baseURL}/responses`, { method: "POST", headers, body });
  const events = (await answer.text()).trim().split("\n\n").map((event) => JSON.parse(event.split("\ndata: ")[1]));
  assert.deepEqual(events.slice(-2).map((event) => event.type), ["error", "response.failed"]);
  return events.at(-1).response.error.message;
}

for (const [kind, within] of broken) {
  test(`an answer that breaks off: ${kind} in a ${within}`, async () => {
    const request = { model, input: "count", tools: within === "text" ? [] : [weather, patch] };
    const strike = async () => {
      await script("turns", { turns: [answers[within]] });
      await script("faults", { kind, after: 4 });
    };
    await strike();
    const expected = await sentence(request);
    for (const helped of [false, true]) {
      await strike();
      const stream = helped
        ? client.responses.stream(request)
        : await client.responses.create({ ...request, stream: true });
      const heard = await hear(stream);
      assert(heard.error instanceof OpenAI.OpenAIError, String(heard.error));
      assert(heard.error.message.includes(expected), `${heard.error.message} is not: ${expected}`);
      assert.equal(Boolean(heard.text), within === "text");
      assert(!heard.types.includes("response.completed"));
      assert(!heard.types.includes("response.incomplete"));
      if (within !== "text") assert(!heard.types.includes("response.output_item.done"));
    }
  });
}
