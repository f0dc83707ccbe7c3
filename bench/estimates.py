"""How far the token estimate is from two public tokenizers: `python -m bench.estimates` (needs Node and npm).

Claude 2's and OpenAI's o200k come with npm packages, vocabulary and all; the tokenizers of the models themselves are
not public. The texts are of this repository and of what its dependencies install, so that anybody can repeat it.
"""

import gzip
import json
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import botocore
from tests.support.node import install, run_node

from cwproxy.codewhisperer.tokens import weigh

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).parent / "tokenizers"
PIECE = 2_000
"""Characters of a text that is counted at once: about what a message has."""

CHINESE = """\
令牌是模型读写文本的单位。一个汉字常常就是一个令牌，有时两个汉字合成一个，生僻字则要拆成好几个字节。因此，同样的意思用中文写出来，令牌数往往比英文多一些，\
但字数却少得多。估算的时候，不能只看字符数，还要看是什么文字。
这个程序把用户自己的账号变成大家熟悉的接口。请求进来之后，先检查格式，再换成后端能够接受的样子；回答是一段一段传回来的，每收到一段就马上交给客户端，不会等到全部写完。\
如果连接中途断开，程序会如实报告错误，绝不会把半截的答案当成完整的答案。
昨天下午，我在图书馆遇见了一位老同学。我们已经有十年没有见面，一开始谁也没有认出谁来。后来他忽然叫出了我的名字，我们就坐在窗边，聊起了上学时候的事情：下雨天一起打伞回家，\
考试之前通宵复习，还有那只总是跑进教室的小花猫。临走的时候，他说下个月要去南方工作，希望我有空去看他。
修改代码之前，请先阅读项目的说明文件，弄清楚各个模块之间的关系。每一次修改都要有对应的测试，测试失败就不要提交。变量的名字要能说明它的用途，注释要解释为什么这样做，\
而不是重复代码已经说过的内容。遇到不确定的地方，宁可多问一句，也不要凭猜测动手。
今年的春天来得特别早。三月初，河边的柳树就已经发芽，公园里到处是放风筝的孩子。卖糖葫芦的老人推着小车，从街这头走到那头，一边走一边吆喝。城市的变化很大，可是这样的声音，\
一听就让人想起小时候。
"""


@dataclass(frozen=True, slots=True)
class Error:
    """total: of all texts together; typical: the median over the pieces, without its sign. Shares of the true count."""

    total: float
    typical: float


def samples() -> dict[str, list[str]]:
    """Pieces of text by kind."""
    prose = "".join((ROOT / name).read_text() for name in ("README.md", "ANALYSIS.md", "DEPLOYMENT.md"))
    code = "".join(path.read_text() for path in sorted((ROOT / "src" / "cwproxy" / "codewhisperer").glob("*.py")))
    service = next(Path(botocore.__file__).parent.glob("data/sso-oidc/*/service-2.json.gz"))
    model = json.loads(gzip.decompress(service.read_bytes()))
    compact = json.dumps(model, separators=(",", ":"))
    indented = json.dumps(model, indent=2)
    texts = {"prose": prose, "code": code, "JSON, compact": compact, "JSON, indented": indented, "Chinese": CHINESE}
    return {kind: list(_pieces(text)) for kind, text in texts.items()}


def errors(texts: list[str], counted: list[int]) -> Error:
    estimated = [weigh(text) for text in texts]
    each = [abs(ours / theirs - 1) for ours, theirs in zip(estimated, counted, strict=True)]
    return Error(sum(estimated) / sum(counted) - 1, statistics.median(each))


def _pieces(text: str) -> Iterator[str]:
    size = PIECE if len(text) > 3 * PIECE else 150
    for start in range(0, len(text), size):
        yield text[start : start + size]


def main() -> None:
    project = install(HERE / "package.json")
    print(f"{'':16}{'characters':>12}" + "".join(f"{name:>24}" for name in ("Claude 2", "o200k")))
    for kind, texts in samples().items():
        done = run_node(HERE / "count.cjs", project=project, stdin=json.dumps(texts).encode(), timeout=300)
        if done.returncode != 0:
            raise SystemExit(done.stderr.decode())
        found = {name: errors(texts, counted) for name, counted in json.loads(done.stdout).items()}
        columns = "".join(f"{f'{error.total:+.0%} (piece: {error.typical:.0%})':>24}" for error in found.values())
        print(f"{kind:16}{sum(map(len, texts)):>12,}{columns}")


if __name__ == "__main__":
    main()
