// Arguments: package alias, endpoint. Reads [{token, operation, input, attempts}] on stdin; makes the calls one after
// the other with AWS's client and answers, for each, {events: [[member, value]], error: {...} | null, where, conversationId}.
"use strict";
const [alias, endpoint] = process.argv.slice(2);
const { CodeWhispererStreaming, GenerateAssistantResponseCommand, SendMessageCommand } = require(alias);

const operations = {
  GenerateAssistantResponse: [GenerateAssistantResponseCommand, "generateAssistantResponseResponse"],
  SendMessage: [SendMessageCommand, "sendMessageResponse"],
};

function plain(value) {
  return JSON.parse(
    JSON.stringify(value, (_key, item) =>
      item?.type === "Buffer" ? Buffer.from(item.data).toString("base64") : item instanceof Uint8Array ? Buffer.from(item).toString("base64") : item,
    ),
  );
}

function described(error) {
  return {
    name: error.name,
    message: error.message,
    reason: error.reason ?? null,
    status: error.$metadata?.httpStatusCode ?? null,
    attempts: error.$metadata?.attempts ?? null,
    requestId: error.$metadata?.requestId ?? null,
    retryAfter: error.retryAfterMilliseconds ?? null,
    class: error.constructor.name,
  };
}

async function call({ token, operation, input, attempts }) {
  const [Command, member] = operations[operation];
  const client = new CodeWhispererStreaming({ region: "us-east-1", endpoint, token: { token }, maxAttempts: attempts });
  const events = [];
  let where = "send";
  try {
    const response = await client.send(new Command(input));
    where = "loop";
    for await (const event of response[member]) {
      const name = Object.keys(event)[0];
      events.push([name, plain(event[name])]);
    }
    return { events, error: null, where: null, conversationId: response.conversationId ?? null };
  } catch (error) {
    return { events, error: described(error), where, conversationId: null };
  } finally {
    client.destroy();
  }
}

async function main() {
  let text = "";
  for await (const chunk of process.stdin) text += chunk;
  const answers = [];
  for (const one of JSON.parse(text)) answers.push(await call(one));
  process.stdout.write(JSON.stringify(answers));
}

main();
