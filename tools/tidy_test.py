"""Each rule fails on a bad example and passes on the good one beside it."""
import atexit
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import check_layers
import cpp_text
import tidy

GOOD_HEADER = "#pragma once\n// A thing.\n\nnamespace ac {}\n"


def tree_of(files):
    root = pathlib.Path(tempfile.mkdtemp(prefix="tidy-test-"))
    atexit.register(shutil.rmtree, root)
    subprocess.run(["git", "init", "-q", root], check=True)
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tidy.Tree(root)


def breaches(rule, files):
    tree = tree_of(files)
    return [b for b in tidy.RULES[rule](tree) if not tidy.allowed(tree, b[0], b[1], rule)]


class Rules(unittest.TestCase):
    def check(self, rule, bad, good, name="src/x/x.cpp"):
        self.assertTrue(breaches(rule, {name: bad}), f"{rule} accepts {bad!r}")
        self.assertEqual([], breaches(rule, {name: good}))

    def test_line_length(self):
        self.check("line-length", "/" * 101, "/" * 100)

    def test_file_length(self):
        self.check("file-length", "\n" * 501, "\n" * 500)

    def test_function_length(self):
        self.check("function-length", "int f() {\n" + ";\n" * 62 + "}\n",
                   "int f() {\n" + ";\n" * 50 + "}\n")
        for table in ("std::array a{\n" + "1,\n" * 90 + "};\n return a;\n",
                      "switch (x) {\n" + "case 1:\n  return 2;\n" * 40 + "}\n"):
            self.assertEqual(
                [], breaches("function-length", {"src/x/x.cpp": f"auto f() {{\n{table}}}\n"}))
        members = "class X {\n" + "int f() { return 1; }\n" * 80 + "};\n"
        self.assertEqual([], breaches("function-length", {"src/x/x.cpp": members}))

    def test_banned_call(self):
        for bad in ("auto t = std::chrono::system_clock::now();", "int r = rand();", "fork();",
                    "auto* v = std::getenv(\"HOME\");", "printf(\"x\");", "std::cerr << 1;",
                    "std::this_thread::sleep_for(x);", "asio::steady_timer t;"):
            self.check("banned-call", bad, f"// {bad}\nauto s = \"{bad[:4]}\";")

    def test_include_jail(self):
        self.check("include-jail", "#include <openssl/evp.h>\n", "#include <vector>\n")
        inside = {"src/crypto/a.cpp": "#include <openssl/evp.h>\n"}
        self.assertEqual([], breaches("include-jail", inside))

    def test_header_top(self):
        self.check("header-top", "#include <vector>\n", GOOD_HEADER, "src/x/x.h")
        self.check("header-top", "#pragma once\n#include <a>\n", GOOD_HEADER, "src/x/x.h")

    def test_await_temporary(self):
        for bad in ("co_await f(Options{.a = 1});", "co_await f({1, 2});",
                    "AC_CO_TRY(auto x, co_await g(S{}));", "co_await post([this] { go(); });"):
            self.check("await-temporary", bad, "auto o = Options{1};\nco_await f(std::move(o));")
        for good in ("if (auto r = co_await f(x); !r) { return; }", "co_await run([]() { g(); });",
                     "switch (co_await next()) { case 1: break; }", "co_await f(Seconds{1});"):
            self.assertEqual([], breaches("await-temporary", {"src/x/x.cpp": good}), good)

    def test_range_temporary(self):
        self.check("range-temporary", "for (const auto& x : json::parse(text).as_array()) g(x);",
                   "const auto all = json::parse(text);\nfor (auto& x : all.as_array()) g(x);")

    def test_unfinished(self):
        self.check("unfinished", "// TO" "DO: later\n", "// later it does\n")

    def test_commented_code(self):
        self.check("commented-code", "// auto x = f(y);\n", "// An x is f of y;\n")
        self.check("commented-code", "// close(fd);\n", "//   close(fd);  an example, indented\n")

    def test_poor_name(self):
        self.check("poor-name", "class SessionManager {};", "class Sessions {};")

    def test_own_path(self):
        tree = tree_of({"a.md": ""})
        tree.texts["a.md"] = f"see {tree.root}/src\n"
        self.assertTrue(list(tidy.RULES["own-path"](tree)))

    def test_lock_file(self):
        self.check("lock-file", '{"resolved": "x"}', "{}", "js/package-lock.json")

    def test_doc_link(self):
        self.check("doc-link", "[a](b.md)", "[a](README.md) [b](https://x.org/y)", "README.md")

    def test_changelog(self):
        self.check("changelog", "# Changes\n", "# Changes\n\n## Unreleased\n", "CHANGELOG.md")

    def test_format(self):
        self.check("format", "int  f( ){return 1;}\n", "int f();\n")

    def test_a_reason_lifts_a_rule(self):
        text = "// tidy: allow banned-call: this is where it lives\nint r = rand();\n"
        self.assertEqual([], breaches("banned-call", {"src/x/x.cpp": text}))


class Text(unittest.TestCase):
    def test_code_has_no_comments_or_literals(self):
        code = cpp_text.code_of("int a = 1'000; // b\nauto c = \"d;{\" /* e */ + 'f';\n")
        self.assertNotIn("b", code)
        self.assertNotIn("{", code)
        self.assertIn("1'000", code)

    def test_functions_are_found_with_their_lengths(self):
        code = "namespace n {\nclass C {\n int f() const {\n  if (x) {\n  }\n }\n};\n}\n"
        (function,) = cpp_text.functions_of(code)
        self.assertEqual(("f", 3, 4), (function.name, function.line, function.lines))


class Layers(unittest.TestCase):
    def tree(self, depends, include):
        return tree_of({
            "src/CMakeLists.txt": "add_subdirectory(low)  # L0\nadd_subdirectory(high)  # L1\n",
            "src/low/CMakeLists.txt": "ac_module(NAME low)\n",
            "src/high/CMakeLists.txt": f"ac_module(NAME high {depends})\n",
            "src/low/low.h": "",
            "src/high/high.cpp": f'#include "{include}"\n',
        }).root

    def test_a_declared_dependency_may_be_included(self):
        self.assertEqual([], list(check_layers.breaches(self.tree("DEPENDS low", "low/low.h"))))

    def test_an_undeclared_one_may_not(self):
        self.assertTrue(list(check_layers.breaches(self.tree("", "low/low.h"))))

    def test_upward_is_refused(self):
        layers = {"low": 0, "high": 1}
        self.assertTrue(list(check_layers.layer_breaches(layers, {"low": {"high"}})))
        self.assertTrue(list(check_layers.layer_breaches(layers, {"high": {"high"}})))


if __name__ == "__main__":
    unittest.main()
