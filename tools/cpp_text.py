"""What the style checks need to know about C++ text: which characters are code and which are
comments, where functions begin and end. Approximate by design: no parser, just brackets."""
import re
from dataclasses import dataclass

TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"'
    r"|'(?:\\.|[^'\\\n])+'",
    re.DOTALL,
)


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def code_of(text):
    """The text with comments and the contents of literals blanked; positions stay."""

    def scrub(match):
        token = match.group(0)
        if token.startswith(("//", "/*")):
            return blank(token)
        if token.startswith("'") and re.search(r"[0-9a-fA-F]$", text[: match.start()][-1:]):
            return token[0] + code_of(token[1:])  # 1'000'000
        return token[0] + blank(token[1:-1]) + token[-1]

    return TOKEN.sub(scrub, text)


def comments_of(text):
    """[(line number, comment text)] of // comments, without the slashes."""
    found = []
    for match in TOKEN.finditer(text):
        if match.group(0).startswith("//"):
            found.append((line_at(text, match.start()), match.group(0)[2:]))
    return found


def line_at(text, position):
    return text.count("\n", 0, position) + 1


@dataclass
class Function:
    name: str
    line: int
    lines: int
    statements: int


NOT_A_FUNCTION = re.compile(
    r"^(namespace|class|struct|union|enum|extern|if|for|while|switch|else|do|try|catch|return)\b"
)


def functions_of(code):
    """The outermost functions in scrubbed code."""
    found = []
    stack = []  # (is_function, head, position of its first character)
    head_start = 0
    for position, char in enumerate(code):
        if char in ";}":
            if char == "}" and stack:
                is_function, head, start = stack.pop()
                if is_function and not any(entry[0] for entry in stack):
                    body = code[start : position + 1]
                    found.append(Function(name_in(head), line_at(code, start), lines_of(body),
                                          body.count(";")))
            head_start = position + 1
        elif char == "{":
            head = code[head_start:position]
            start = head_start + len(head) - len(head.lstrip())
            stack.append((is_function_head(head), head, start))
            head_start = position + 1
    return found


def lines_of(text):
    """How many, labels alone on theirs not counted."""
    return sum(not re.match(r"\s*(case\b.*|default\s*):$", line) for line in text.split("\n"))


def is_function_head(head):
    prefix = r"^\s*(template\s*<[^{;]*>\s*|(public|private|protected)\s*:\s*)"
    head = re.sub(prefix, "", head).strip()
    head = "\n".join(line for line in head.split("\n") if not line.lstrip().startswith("#")).strip()
    return "(" in head and not NOT_A_FUNCTION.match(head) and not re.search(r"[=,(]\s*$", head)


def name_in(head):
    match = re.search(r"([\w:~]+)\s*\(([\w, ]*)", head)
    if not match:
        return "?"
    if match.group(1).startswith(("TEST", "INSTANTIATE", "BENCHMARK")):
        return f"{match.group(1)}({match.group(2)})"
    return match.group(1)


def await_expressions(code):
    """[(position, text)] of every co_await expression, up to the end of what it awaits."""
    found = []
    for match in re.finditer(r"\bco_await\b", code):
        depth = 0
        end = match.end()
        while end < len(code):
            char = code[end]
            if char in "([{":
                depth += 1
            elif char in ")]}":
                if depth == 0:
                    break
                depth -= 1
            elif depth == 0 and char in ";,":
                break
            end += 1
        found.append((match.start(), code[match.start() : end]))
    return found


CAPTURE = re.compile(r"(?<=[(,=\s])\[[^\]\s][^\]]*\]\s*(\(|\{|mutable)")
PLAIN_LAMBDA = re.compile(r"\[\]\s*(\([^()]*\))?\s*(mutable)?\s*(->\s*[\w:<>, ]+)?\s*$")


# A duration has nothing to free, so nothing to free twice.
DURATION = re.compile(r"\b(hours|minutes|\w*[sS]econds)\{[^{}]*\}")


def dangerous_temporary(expression):
    """True when an awaited expression makes something with braces, or a lambda that captures."""
    expression = DURATION.sub("duration", expression)
    if CAPTURE.search(expression):
        return True
    for match in re.finditer(r"\{", expression):
        if not PLAIN_LAMBDA.search(expression[: match.start()]):
            inside_plain = re.search(r"\[\]\s*\([^()]*\)[^;{]*\{", expression[: match.start()])
            if not inside_plain:
                return True
    return False
