// Counts the tokens of each text in a JSON list on stdin, with two tokenizers whose vocabularies come with the package.
const { countTokens: claude } = require("@anthropic-ai/tokenizer");
const { countTokens: o200k } = require("gpt-tokenizer/encoding/o200k_base");

let input = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (piece) => (input += piece));
process.stdin.on("end", () => {
  const texts = JSON.parse(input);
  process.stdout.write(JSON.stringify({ "Claude 2": texts.map((text) => claude(text)), o200k: texts.map((text) => o200k(text)) }));
});
