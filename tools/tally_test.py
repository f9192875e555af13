"""The closing line counts every test once, and a crash is never lost."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "dev"))
import tally  # noqa: E402

PASS = '<testcase name="{}" classname="S" status="run" result="completed"/>'
FAIL = '<testcase name="{}" classname="S" status="run"><failure message="x"/></testcase>'
CTEST = '<testsuite><testcase name="unit.base" status="{}">{}</testcase></testsuite>'


class Tally(unittest.TestCase):
    def count(self, status, **reports):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "status").write_text(status)
            for name, text in reports.items():
                (root / f"{name}.xml").write_text(text)
            total, _ = tally.suite_count(root)
            return total.passed, total.failed, total.skipped

    def gtest(self, *cases):
        return "<testsuites><testsuite>" + "".join(cases) + "</testsuite></testsuites>"

    def test_single_tests_are_counted_not_programs(self):
        both = self.gtest(PASS.format("a"), PASS.format("b"))
        self.assertEqual((2, 0, 0), self.count("0", base_tests=both, ctest=CTEST.format("run", "")))

    def test_a_failing_test_is_counted_once(self):
        both = self.gtest(PASS.format("a"), FAIL.format("b"))
        failed = CTEST.format("fail", "<failure/>")
        self.assertEqual((1, 1, 0), self.count("8", base_tests=both, ctest=failed))

    def test_a_crash_after_the_report_is_a_failure(self):
        good = self.gtest(PASS.format("a"))
        failed = CTEST.format("fail", "<failure/>")
        self.assertEqual((1, 1, 0), self.count("8", base_tests=good, ctest=failed))

    def test_a_crash_without_a_report_is_a_failure(self):
        self.assertEqual((0, 1, 0), self.count("8", ctest=CTEST.format("fail", "<failure/>")))

    def test_a_suite_without_reports_is_one_test(self):
        self.assertEqual((1, 0, 0), self.count("0"))
        self.assertEqual((0, 1, 0), self.count("1"))

    def test_an_exit_code_without_a_failing_test_is_a_failure(self):
        self.assertEqual((1, 1, 0), self.count("3", pytest=self.gtest(PASS.format("a"))))


if __name__ == "__main__":
    unittest.main()
