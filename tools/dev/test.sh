# The tests. A suite is a folder in build/results: its output files and its exit code, from which
# tools/dev/tally.py makes the closing line. A failing suite does not keep the next from running.
# Sourced by ./dev.

RESULTS=$ROOT/build/results

# suite NAME COMMAND...
suite() {
    local name=$1 code=0
    shift
    mkdir -p "$RESULTS/$name"
    step "$name" "$@" || code=$?
    printf '%d' "$code" >"$RESULTS/$name/status"
    return 0
}

fresh_results() {
    rm -rf "$RESULTS"
    mkdir -p "$RESULTS"
}

# ctest_suite SUITE PRESET [CTEST ARGS]: single tests are counted, so each program writes its own
# report beside ctest's.
ctest_suite() {
    local results=$RESULTS/$1 preset=$2
    shift 2
    GTEST_OUTPUT=xml:$results/ ctest --test-dir "build/$preset" --output-on-failure -j2 \
        --timeout 300 --output-junit "$results/ctest.xml" "$@"
}

conformance_suite() {
    "$VENV/bin/python" -m pytest tests/conformance \
        --junit-xml "$RESULTS/conformance/pytest.xml" "$@"
}

fuzz_suite() {
    local name code=0
    for name in $(fuzzer_names); do
        step "fuzz $name" run_fuzzer "$name" 5 || code=1
    done
    return $code
}

built() { [[ $(cat "$RESULTS/$1/status" 2>/dev/null) == 0 ]]; }

tally() { /usr/bin/python3 tools/dev/tally.py "$RESULTS"; }

dev_check() {
    setup_packages
    setup_python
    fresh_results
    suite build-dev cmake_build dev
    if built build-dev; then suite unit ctest_suite unit dev; fi
    tally
}

build_release() { cmake_build release && link_programs; }

dev_conformance() {
    setup_all
    setup_models
    fresh_results
    suite build-release build_release
    if built build-release; then suite conformance conformance_suite "$@"; fi
    tally
}

# What shares memory between threads is also run under the thread sanitizer. Not wire and server:
# they share none of their own, and what they are linked with would double the build.
TSAN_MODULES=(base async net storage objects bearer issuer identity access runtime search memory)

tsan_targets() {
    local module
    for module in "${TSAN_MODULES[@]}"; do
        compgen -G "src/$module/*_test.cpp" >/dev/null && printf '%s_tests\n' "$module"
    done
    return 0
}

# For the suites after conformance, whose tests wait for clients half their time: on what they leave
# of the processors (SCHED_IDLE).
build_rest() {
    chrt --idle --pid 0 "$BASHPID" || true
    suite build-gcc cmake_build gcc
    local targets
    mapfile -t targets < <(tsan_targets)
    suite build-tsan cmake_build tsan "${targets[@]}"
    suite build-fuzz cmake_build dev fuzzers
}

dev_test() {
    local began=$SECONDS rest
    setup_all
    setup_models
    fresh_results
    suite build-dev cmake_build dev
    if built build-dev; then suite unit ctest_suite unit dev; fi
    suite build-release build_release
    build_rest >build/logs/build-rest.log 2>&1 &
    rest=$!
    if built build-release; then suite conformance conformance_suite; fi
    wait "$rest"
    cat build/logs/build-rest.log
    if built build-gcc; then suite unit-gcc ctest_suite unit-gcc gcc -L unit; fi
    if built build-tsan; then
        local names
        names=$(IFS='|' && printf '%s' "${TSAN_MODULES[*]}")
        suite unit-tsan ctest_suite unit-tsan tsan -R "^unit\.($names)\$"
    fi
    if built build-fuzz; then suite fuzz fuzz_suite; fi
    say "all tests: $((SECONDS - began)) s"
    tally
}
