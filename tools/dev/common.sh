# Printing, timing and retrying. Sourced by ./dev.

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
[[ -t 1 ]] || say() { printf '==> %s\n' "$*"; }

die() {
    printf 'dev: %s\n' "$*" >&2
    exit 1
}

# step TITLE COMMAND...: says what is done, does it, says how long it took.
step() {
    local title=$1 began=$SECONDS code=0
    shift
    say "$title"
    "$@" || code=$?
    if ((code == 0)); then
        printf '    %s: done in %d s\n' "$title" $((SECONDS - began))
    else
        printf '    %s: FAILED after %d s (exit code %d)\n' "$title" $((SECONDS - began)) "$code"
    fi
    return "$code"
}

# quiet LOG COMMAND...: output goes to build/logs/LOG.log; on failure its end is shown.
quiet() {
    local log=$ROOT/build/logs/$1.log code=0
    shift
    mkdir -p "$ROOT/build/logs"
    "$@" >"$log" 2>&1 || code=$?
    if ((code != 0)); then
        tail -n 80 "$log"
        printf '    the whole log: %s\n' "${log#"$ROOT"/}"
    fi
    return "$code"
}

# retry COMMAND...: networks hiccup; three tries, 5 and 15 seconds apart.
retry() {
    local pause
    for pause in 5 15; do
        "$@" && return 0
        printf '    failed: %s; again in %d s\n' "$1" "$pause"
        sleep "$pause"
    done
    "$@"
}

# digest FILE...: one hash over the contents.
digest() { cat "$@" | sha256sum | cut -d' ' -f1; }
