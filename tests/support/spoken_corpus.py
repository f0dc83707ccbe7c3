"""Answers in which a tool call is written as text, and answers that only look like that.

The tools of both are `TOOLS`. In a genuine answer the calls stand between `⟦` and `⟧`, with the white space that
goes with them; what is outside is to come out as text, byte for byte. A look-alike has no call at all.
"""

import re
from typing import Final

from cwproxy.filters import Offer, Offered

WEATHER: Final = (
    b'{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer","minimum":1}},'
    b'"required":["city"],"additionalProperties":false}'
)
BASH: Final = b'{"type":"object","properties":{"command":{"type":"string"}},"required":["command"]}'
TODO: Final = (
    b'{"type":"object","required":["todos"],"properties":{"todos":{"type":"array","items":{"type":"object",'
    b'"required":["content","status"],"properties":{"content":{"type":"string"},'
    b'"status":{"enum":["pending","done"]}}}}}}'
)
LONG: Final = "mcp__plugin_something__" + "x" * 60

OFFER: Final = Offer(
    {
        "get_weather": Offered("get_weather", WEATHER),
        "Bash": Offered("Bash", BASH),
        "TodoWrite": Offered("TodoWrite", TODO),
        "now": Offered("now", b"{}"),
        "files.read-all": Offered("files.read-all", b'{"type":"object"}'),
        LONG: Offered(LONG, b"{}"),
        "short_for_long": Offered(LONG, b"{}"),
        "broken": Offered("broken", b'{"type":"nonsense"}'),
        "endless": Offered("endless", b'{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/a"}}}'),
    },
    "seed",
)

PARIS: Final = '{"city": "Paris"}'

GENUINE: Final = (
    # The two notations of gateways, alone and after a sentence.
    f"⟦Tool call: get_weather({PARIS})⟧",
    f"⟦[Called get_weather with args: {PARIS}]⟧",
    f"I will look it up.\n⟦Tool call: get_weather({PARIS})⟧",
    f"I will look it up:\n\n⟦[Called get_weather with args: {PARIS}]\n⟧",
    f'I will use "get_weather".\n⟦[Called get_weather with args: {PARIS}]⟧',
    f"I will use `get_weather`.\n\n⟦[Called get_weather with args: {PARIS}]⟧",
    f"It's the city's weather that I need.\n⟦Tool call: get_weather({PARIS})⟧",
    # Variants of them.
    f"⟦Tool Call: get_weather({PARIS})⟧",
    f"⟦Tool call:get_weather({PARIS})⟧",
    f"⟦Tool call: get_weather ({PARIS})⟧",
    f"⟦Tool call: get_weather( {PARIS} )⟧",
    f"⟦[Tool call: get_weather({PARIS})]⟧",
    f"⟦[Called get_weather with args:{PARIS}]⟧",
    f"⟦[Called get_weather with args:\n{PARIS}\n]⟧",
    "⟦Tool call: now({})⟧",
    "⟦Tool call: files.read-all({})⟧",
    f"⟦[Called {LONG} with args: {{}}]⟧",
    "⟦[Called short_for_long with args: {}]⟧",
    # Tags of open models.
    f'⟦<tool_call>{{"name": "get_weather", "arguments": {PARIS}}}</tool_call>⟧',
    f'⟦<tool_call>\n{{"name": "get_weather", "arguments": {PARIS}}}\n</tool_call>⟧',
    f'⟦<tool_use>{{"type": "tool_use", "id": "1", "name": "get_weather", "input": {PARIS}}}</tool_use>⟧',
    f'⟦<function_call>{{"type": "function", "name": "get_weather", "parameters": {PARIS}}}</function_call>⟧',
    '⟦<tool_call>{"name": "get_weather", "arguments": "{\\"city\\": \\"Paris\\"}"}</tool_call>⟧',
    # Arguments of every kind.
    '⟦Tool call: get_weather({"city": "Zürich 🌧️ 東京 \\ud83c\\udf27", "days": 3})⟧',
    '⟦Tool call: get_weather({"city": "a \\"quoted\\" [name] {with} (brackets) \\\\ ]})"})⟧',
    '⟦[Called Bash with args: {"command": "echo \\"[Called Bash with args: {}]\\" | tr ] )"}]⟧',
    '⟦[Called Bash with args: {"command": "cat <<EOF\\n```\\nTool call: Bash({})\\nEOF"}]⟧',
    '⟦Tool call: Bash({\n  "command": "ls",\n  "timeout": 1.5e3,\n  "flags": [true, false, null, -0.5, [], {}]\n})⟧',
    '⟦[Called TodoWrite with args: {"todos":[{"content":"a","status":"pending"},{"content":"b","status":"done"}]}]⟧',
    # Several, and text around them.
    f"⟦Tool call: get_weather({PARIS})\nTool call: now({{}})⟧",
    f"⟦[Called get_weather with args: {PARIS}] [Called now with args: {{}}]⟧",
    f"⟦[Called get_weather with args: {PARIS}][Called now with args: {{}}]\n\nTool call: now({{}})\n⟧",
    f"First this.\n⟦Tool call: get_weather({PARIS})⟧\nThen that.\n⟦Tool call: now({{}})⟧\nDone.",
    f"⟦Tool call: get_weather({PARIS})⟧\r\nThen\r\n",
    f"⟦\n\n Tool call: get_weather({PARIS})⟧",
    f"It would be best to look at the output:\n⟦Tool call: get_weather({PARIS})⟧",
    f"⟦Tool call: now({{}})⟧\n  Tool call: get_weather({PARIS})",
    "⟦Tool call: now({})⟧\nResigned to wait.",
    "⟦Tool call: now({})⟧\n- and wait",
    "⟦Tool call: now({})⟧\nTool call: nobody({})",
    "⟦Tool call: now({})⟧\nTool r",
    # After code and quotations that are closed.
    f"```\nTool call: now({{}})\n```\n⟦Tool call: get_weather({PARIS})⟧",
    f"~~~~python\n```\n~~~~\n⟦Tool call: get_weather({PARIS})⟧",
    f"1. ```sh\n   ls\n   ```\n\n⟦Tool call: get_weather({PARIS})⟧",
    f"<pre>\nTool call: now({{}})\n</pre>\n⟦Tool call: get_weather({PARIS})⟧",
    f'"""\nTool call: now({{}})\n"""\n⟦Tool call: get_weather({PARIS})⟧',
    f"cat <<EOF\nTool call: now({{}})\nEOF\n⟦Tool call: get_weather({PARIS})⟧",
    f"<!--\nTool call: now({{}})\n-->\n⟦Tool call: get_weather({PARIS})⟧",
    f"/* a\nTool call: now({{}})\n*/\n⟦Tool call: get_weather({PARIS})⟧",
    f"<thinking>\nTool call: now({{}})\n</thinking>\n\n⟦Tool call: get_weather({PARIS})⟧",
    f"He said “hello”.\n⟦Tool call: get_weather({PARIS})⟧",
    f"x << 2, a < b, 5'6\", <b>bold</b> and <pre>one</pre>\n⟦Tool call: get_weather({PARIS})⟧",
    f"[Called get_weather with args: {{}}]\n⟦Tool call: get_weather({PARIS})⟧",
    f"[Called get_weather with args: \n⟦Tool call: get_weather({PARIS})⟧",
)

LOOK_ALIKES: Final = (
    "",
    " ",
    "Hello.",
    "Tool call:",
    "[Called",
    # Not on a line of its own.
    f"You could write Tool call: get_weather({PARIS})",
    f"The log has [Called get_weather with args: {PARIS}] in it.",
    f"Tool call: get_weather({PARIS}) is what it said.",
    f"[Called get_weather with args: {PARIS}] and the rest",
    "Tool call: now({})\nTool call: now({}) twice",
    f"[Called get_weather with args: {PARIS}] [Called now with",
    f"[Called get_weather with args: {PARIS}] [Called now with args: []]",
    f"- Tool call: get_weather({PARIS})",
    f"> Tool call: get_weather({PARIS})",
    f"    Tool call: get_weather({PARIS})",
    f"\tTool call: get_weather({PARIS})",
    f"text: |\n  Tool call: get_weather({PARIS})",
    f"+[Called get_weather with args: {PARIS}]",
    f"`[Called get_weather with args: {PARIS}]`",
    f'"Tool call: get_weather({PARIS})"',
    f"**Tool call:** get_weather({PARIS})",
    f"| Tool call: get_weather({PARIS}) | a call |",
    # Code.
    f"```\nTool call: get_weather({PARIS})\n```",
    f"```python\n[Called get_weather with args: {PARIS}]",
    f"~~~\nTool call: get_weather({PARIS})\n~~~",
    f"````\n```\n[Called get_weather with args: {PARIS}]\n```\n````",
    f"1. So:\n   ```\nTool call: get_weather({PARIS})\n   ```",
    f"- ```\nTool call: get_weather({PARIS})\n  ```",
    f"print('''\nTool call: get_weather({PARIS})\n''')",
    f'TEXT = """\n[Called get_weather with args: {PARIS}]\n"""',
    f"console.log(`\nTool call: get_weather({PARIS})\n`)",
    f"print(\n[Called get_weather with args: {PARIS}]\n)",
    f"cat <<'END'\nTool call: get_weather({PARIS})\nEND",
    f"cat <<-EOF\nTool call: get_weather({PARIS})\nEOF",
    f"<pre>\nTool call: get_weather({PARIS})\n</pre>",
    f"<CODE>\n<tool_call>{{}}</tool_call>\nTool call: get_weather({PARIS})\n</CODE>",
    f"<!-- so:\nTool call: get_weather({PARIS})\n-->",
    f"/* prints\nTool call: get_weather({PARIS})\n*/",
    "print(f'Tool call: {name}({arguments})')",
    'logger.info(f"[Called {name} with args: {args}]")',
    f"console.log('Tool call: get_weather({PARIS})');",
    # Quotations and examples.
    f"The manual says “\nTool call: get_weather({PARIS})\n”",
    f'He wrote: "\nTool call: get_weather({PARIS})\n"',
    f'"\nTool call: get_weather({PARIS})\n"',
    f"For example:\n\nTool call: get_weather({PARIS})",
    f"A call looks like this:\n[Called get_weather with args: {PARIS}]\nSee?",
    f"It would then write the following:\n[Called get_weather with args: {PARIS}]",
    f"For instance, in the old notation:\nTool call: get_weather({PARIS})",
    f"### Example\n\nTool call: get_weather({PARIS})",
    f"User: the weather?\nTool call: get_weather({PARIS})\nAssistant: sunny",
    f"**Human:** the weather?\n\nTool call: get_weather({PARIS})",
    f"<thinking>\nI could do this.\nTool call: get_weather({PARIS})\n</thinking>\nI do not need to.",
    f"<example>\n[Called get_weather with args: {PARIS}]\n</example>",
    # Calls that are told of, with their results.
    f"Tool call: get_weather({PARIS})\nResult: sunny",
    f"[Called get_weather with args: {PARIS}]\n\n[Tool result: sunny]",
    f"Tool call: get_weather({PARIS})\nTool call: now({{}})\nTool result: sunny",
    f"Tool call: get_weather({PARIS})\n→ sunny",
    f'<tool_call>{{"name": "get_weather", "arguments": {PARIS}}}</tool_call>\n<tool_response>sunny</tool_response>',
    # Halves.
    "Tool call: get_weather(",
    'Tool call: get_weather({"city": "Pa',
    f"Tool call: get_weather({PARIS}",
    f"[Called get_weather with args: {PARIS}",
    f"[Called get_weather with args: {PARIS})",
    f"[Tool call: get_weather({PARIS})",
    f"[Tool call: get_weather({PARIS}) ]",
    f"Called get_weather with args: {PARIS}]",
    f'<tool_call>{{"name": "get_weather", "arguments": {PARIS}}}',
    f'<tool_call>{{"name": "get_weather", "arguments": {PARIS}}}</tool_use>',
    "[Called get_weather with args: \n\n",
    # Not a tool, or not its name.
    f"Tool call: get_wether({PARIS})",
    f"Tool call: Get_Weather({PARIS})",
    f"Tool call: get_weather_now({PARIS})",
    f"[Called weather with args: {PARIS}]",
    f"[Called get_weather with arguments: {PARIS}]",
    f"tool call: get_weather({PARIS})",
    f"Function call: get_weather({PARIS})",
    f'<tool_call>{{"name": "delete_all", "arguments": {PARIS}}}</tool_call>',
    # Not its arguments.
    "Tool call: get_weather({})",
    "Tool call: get_weather()",
    'Tool call: get_weather({"city": 5})',
    'Tool call: get_weather({"city": "Paris", "days": 0})',
    'Tool call: get_weather({"city": "Paris", "unit": "C"})',
    'Tool call: get_weather(["Paris"])',
    'Tool call: get_weather("Paris")',
    'Tool call: get_weather(city="Paris")',
    "Tool call: get_weather({'city': 'Paris'})",
    "Tool call: get_weather({city: 'Paris'})",
    'Tool call: get_weather({"city": "Paris",})',
    'Tool call: get_weather({"city": "Pa\nris"})',
    'Tool call: get_weather({"city": "Paris" // so\n})',
    'Tool call: get_weather({"city": "Paris", "days": 01})',
    'Tool call: get_weather({"city": "Paris", "days": NaN})',
    'Tool call: get_weather({"city": "\\x"})',
    'Tool call: get_weather({"city": "\\ud83d"})',
    'Tool call: get_weather({"city": "Paris"}})',
    f"Tool call: get_weather({PARIS}, {PARIS})",
    '[Called TodoWrite with args: {"todos":[{"content":"a","status":"later"}]}]',
    "Tool call: broken({})",
    "Tool call: broken({})\nTool call: broken({})",
    "Tool call: endless({})",
    "Tool call: now({" + '"a":{' * 120 + "}" * 121 + ")",
    '<tool_call>{"arguments": {}}</tool_call>',
    '<tool_call>{"name": 5, "arguments": {}}</tool_call>',
    '<tool_call>{"name": "now"}</tool_call>',
    '<tool_call>{"name": "now", "arguments": {}, "input": {}}</tool_call>',
    '<tool_call>{"name": "now", "arguments": {}, "comment": "an example"}</tool_call>',
    '<tool_call>{"name": "now", "arguments": {}, "type": "example"}</tool_call>',
    '<tool_call>{"name": "now", "arguments": "{"}</tool_call>',
    '<tool_call>{"name": "now", "arguments": []}</tool_call>',
    # JSON in prose.
    f"The answer is {PARIS}.",
    f'{{"tool": "get_weather", "arguments": {PARIS}}}',
    '{"text": "Tool call: get_weather({})"}',
    '[\n{"name": "get_weather"}\n]',
    "[Called it a day]",
    "<tool_call> is a tag.",
    "Tool calls are made by models.",
)

_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_HEAD: Final = re.compile(r"Tool [Cc]all:|\[Called |<(?:tool_call|tool_use|function_call)>")
_CALLS: Final = re.compile("⟦(.*?)⟧", re.DOTALL)


def text_of(genuine: str) -> str:
    """What the model says."""
    return _CALLS.sub(r"\1", genuine)


def outside(genuine: str) -> list[str]:
    """The texts that are to come out, in order."""
    return [text for text in _CALLS.split(genuine)[::2] if text]


def number_of_calls(genuine: str) -> int:
    return sum(len(_HEAD.findall(_STRING.sub("", group))) for group in _CALLS.findall(genuine))
