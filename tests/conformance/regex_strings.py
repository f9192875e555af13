"""Strings that match a regular expression of the API model, and strings that do not."""
import re
import re._constants as sre
import re._parser as sre_parser
import warnings

EXTRA_REPEATS_MAX = 64


# Python's re has no \p{C}; these are its characters that strings here are made of.
CONTROL = r"\x00-\x1f\x7f-\x9f"


def translated(pattern):
    return pattern.replace(r"\p{C}", CONTROL)


def compiled(pattern):
    pattern = translated(pattern)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # [a-z0-9-_]: a literal '-', as in Java
        return re.compile(pattern)


def matching(pattern, minimum=0, maximum=None):
    """A short string that matches wholly and keeps the length bounds; None: not found."""
    expression = compiled(pattern)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        tree = sre_parser.parse(translated(pattern))
    for extra in range(EXTRA_REPEATS_MAX):
        text = _write(tree, extra, {})
        fits = len(text) >= minimum and (maximum is None or len(text) <= maximum)
        if fits and expression.fullmatch(text):
            return text
    long = _write(tree, minimum, {})
    if maximum is not None:
        long = long[:maximum]
    return long if len(long) >= minimum and expression.fullmatch(long) else None


def violating(pattern, minimum=0, maximum=None, usable=lambda text: True):
    """A string within the length bounds that does not match; None: everything matches."""
    expression = compiled(pattern)
    good = matching(pattern, minimum, maximum) or ""
    pads = ["!", " ", "~", "%", "\u00e9", "\n", "\x7f", "/", "#", "-", "A", "0", ":", "*", "["]
    candidates = [pad + good[1:] for pad in pads] + [good + pad for pad in pads]
    candidates += [good[:-1] + pad for pad in pads] + [pad * max(minimum, 1) for pad in pads]
    for text in candidates:
        fits = len(text) >= max(minimum, 1) and (maximum is None or len(text) <= maximum)
        if fits and usable(text) and not expression.fullmatch(text):
            return text
    return None


def _write(nodes, extra, groups):
    return "".join(_write_one(operator, argument, extra, groups) for operator, argument in nodes)


def _write_one(operator, argument, extra, groups):
    if operator is sre.LITERAL:
        return chr(argument)
    if operator is sre.NOT_LITERAL:
        return "a" if argument != ord("a") else "b"
    if operator is sre.ANY:
        return "a"
    if operator is sre.IN:
        return _one_of(argument)
    if operator in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
        low, high, inner = argument
        times = low + extra if high is sre.MAXREPEAT else min(low + extra, high)
        return "".join(_write(inner, extra if times == 1 else 0, groups) for _ in range(times))
    if operator is sre.SUBPATTERN:
        number, _, _, inner = argument
        groups[number] = _write(inner, extra, groups)
        return groups[number]
    if operator is sre.BRANCH:
        return _write(argument[1][extra % len(argument[1])], extra, groups)
    if operator is sre.GROUPREF:
        return groups[argument]
    if operator is sre.ATOMIC_GROUP:
        return _write(argument, extra, groups)
    if operator in (sre.AT, sre.ASSERT, sre.ASSERT_NOT):
        return ""
    raise NotImplementedError(str(operator))


def _one_of(choices):
    """A character of a class; letters and digits first."""
    negated = choices and choices[0][0] is sre.NEGATE
    for char in "a0Ab1B-_ :/.@":
        if _is_in(char, choices) != negated:
            return char
    for code in range(0x21, 0x300):
        if _is_in(chr(code), choices) != negated:
            return chr(code)
    raise NotImplementedError("an empty class")


def _is_in(char, choices):
    for operator, argument in choices:
        if operator is sre.LITERAL and ord(char) == argument:
            return True
        if operator is sre.RANGE and argument[0] <= ord(char) <= argument[1]:
            return True
        if operator is sre.CATEGORY and _in_category(char, argument):
            return True
    return False


def _in_category(char, category):
    tests = {
        sre.CATEGORY_DIGIT: str.isdigit, sre.CATEGORY_SPACE: str.isspace,
        sre.CATEGORY_WORD: lambda c: c.isalnum() or c == "_",
    }
    opposites = {
        sre.CATEGORY_NOT_DIGIT: sre.CATEGORY_DIGIT, sre.CATEGORY_NOT_SPACE: sre.CATEGORY_SPACE,
        sre.CATEGORY_NOT_WORD: sre.CATEGORY_WORD,
    }
    if category in opposites:
        return not tests[opposites[category]](char)
    return tests[category](char)
