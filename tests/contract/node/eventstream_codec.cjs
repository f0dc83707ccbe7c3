// Reads [{headers: [[name, type, value]], payload: hex, frame: hex}] on stdin and answers, for each of them,
// {encoded: hex of what AWS's codec writes, headers and payload: what it reads in `frame`} on stdout.
"use strict";
const { EventStreamCodec, Int64 } = require("@smithy/eventstream-codec");

const fromHex = (text) => Uint8Array.from(Buffer.from(text, "hex"));
const toHex = (bytes) => Buffer.from(bytes).toString("hex");

const toCodec = {
  long: (value) => new Int64(fromHex(value)),
  binary: fromHex,
  timestamp: (value) => new Date(value),
};
const fromCodec = {
  long: (value) => toHex(value.bytes),
  binary: toHex,
  timestamp: (value) => value.valueOf(),
};
const same = (value) => value;

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes).toString("utf8"),
  (text) => Uint8Array.from(Buffer.from(text, "utf8")),
);

function answer({ headers, payload, frame }) {
  const given = headers.map(([name, type, value]) => [name, { type, value: (toCodec[type] ?? same)(value) }]);
  const message = codec.decode(fromHex(frame));
  return {
    encoded: toHex(codec.encode({ headers: Object.fromEntries(given), body: fromHex(payload) })),
    headers: Object.entries(message.headers).map(([name, { type, value }]) => [
      name,
      type,
      (fromCodec[type] ?? same)(value),
    ]),
    payload: toHex(message.body),
  };
}

let input = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (piece) => (input += piece));
process.stdin.on("end", () => process.stdout.write(JSON.stringify(JSON.parse(input).map(answer))));
