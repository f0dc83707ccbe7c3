// Prints, as JSON, the request that one of AWS's clients sends for the command input on stdin.
// Arguments: the alias of the client. The request goes to a server in this very process.
const http = require("node:http");

const { CodeWhispererStreaming, GenerateAssistantResponseCommand } = require(process.argv[2]);

const read = async (stream) => {
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
};

const withImageBytes = (state) => {
  for (const entry of [...(state.history ?? []), state.currentMessage])
    for (const image of entry.userInputMessage?.images ?? [])
      image.source.bytes = Buffer.from(image.source.bytes, "base64");
  return state;
};

(async () => {
  const input = JSON.parse(await read(process.stdin));
  withImageBytes(input.conversationState);
  let seen;
  const server = http.createServer(async (request, response) => {
    seen = { method: request.method, path: request.url, headers: request.headers, body: `${await read(request)}` };
    response.writeHead(200, { "content-type": "application/vnd.amazon.eventstream" }).end();
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const endpoint = `http://127.0.0.1:${server.address().port}`;
  const client = new CodeWhispererStreaming({ region: "us-east-1", endpoint, token: { token: "t" } });
  const answer = await client.send(new GenerateAssistantResponseCommand(input));
  for await (const _ of answer.generateAssistantResponseResponse ?? []);
  console.log(JSON.stringify(seen));
  client.destroy();
  server.closeAllConnections();
  server.close();
})();
