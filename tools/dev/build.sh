# Building, formatting, running and measuring. Sourced by ./dev.

# cmake_build PRESET [TARGET...]
cmake_build() {
    local preset=$1
    shift
    local targets=()
    (($# > 0)) && targets=(--target "$@")
    quiet "configure-$preset" cmake --preset "$preset" &&
        quiet "build-$preset" cmake --build "build/$preset" "${targets[@]}" -- -k 0
}

# The programs of the release build, and the library that is looked for beside them, where README
# and tests look for them.
link_programs() {
    mkdir -p build/bin
    local program
    for program in agentcored agentcore libagentcore_transparent.so; do
        [[ -x build/release/bin/$program ]] || { echo "the build made no $program" >&2; return 1; }
        ln -sfn "../release/bin/$program" "build/bin/$program"
    done
}

dev_build() {
    local preset=$1
    setup_packages
    step "build $preset" cmake_build "$preset"
    if [[ $preset == release ]]; then
        link_programs
        say "build/bin/agentcored and build/bin/agentcore are ready"
    fi
}

dev_run() {
    dev_build release
    setup_models
    exec build/bin/agentcored "$@"
}

cpp_files() { git ls-files --cached --others --exclude-standard '*.h' '*.cpp'; }

dev_fmt() {
    setup_packages
    cpp_files | xargs -r clang-format-19 -i
}

# A benchmark is bench/NAME.py (a whole scenario, with its peer) or a Google Benchmark program of
# a module, <module>_<file>_bench.
dev_bench() {
    local name=${1:-}
    (($# > 0)) && shift
    if [[ -z $name ]]; then
        find bench -name '*.py' -not -name '_*' -printf '%f\n' | sed 's/\.py$//' | sort
        find src -name '*_bench.cpp' -printf '%P\n' |
            sed 's,^\([^/]*\)/.*/\([^/]*\)\.cpp$,\1_\2,; s,^\([^/]*\)/\([^/]*\)\.cpp$,\1_\2,' | sort
        return
    fi
    dev_build release
    if [[ -f bench/$name.py ]]; then
        setup_python
        "$VENV/bin/python" "bench/$name.py" "$@"
    elif [[ -x build/release/bin/$name ]]; then
        "build/release/bin/$name" "$@"
    else
        die "no benchmark $name; ./dev bench lists them"
    fi
}

fuzzer_names() { find build/dev/bin -maxdepth 1 -name '*_fuzz' -printf '%f\n' | sort; }

# New inputs go to build/, those worth keeping are moved to fuzz/corpus by hand.
run_fuzzer() {
    local name=$1 seconds=$2
    mkdir -p "build/corpus/$name" "build/crashes"
    local corpus=("build/corpus/$name")
    [[ -d fuzz/corpus/$name ]] && corpus+=("fuzz/corpus/$name")
    quiet "fuzz-$name" "build/dev/bin/$name" -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=2048 -artifact_prefix="build/crashes/$name-" "${corpus[@]}"
}

dev_fuzz() {
    local only=${1:-} seconds=${2:-60} name code=0
    setup_packages
    step "build the fuzzers" cmake_build dev fuzzers
    for name in $(fuzzer_names); do
        [[ -n $only && $name != "$only" && $name != "${only}_fuzz" ]] && continue
        step "fuzz $name for $seconds s" run_fuzzer "$name" "$seconds" || code=1
    done
    return $code
}
