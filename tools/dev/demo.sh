# ./dev demo: the README's quick start, performed. Sourced by ./dev.

# demo_do COMMAND...: shows the command as a user would type it, then runs it.
demo_do() {
    local word line='$'
    for word in "$@"; do
        if [[ $word == *[\ \"]* ]]; then word="'$word'"; fi
        line+=" $word"
    done
    printf '\n%s\n' "$line"
    "$@"
}

demo_stop() {
    [[ -n ${DEMO_PID:-} ]] && kill -TERM "$DEMO_PID" 2>/dev/null && wait "$DEMO_PID"
    DEMO_PID=
    [[ -n ${DEMO_FOLDER:-} ]] && rm -rf "$DEMO_FOLDER"
    return 0
}

# Prints the endpoint once the daemon says that it is ready; at most 30 s.
demo_endpoint() {
    local tries line
    for tries in $(seq 300); do
        line=$(grep -m1 -o 'http://.*' "$DEMO_FOLDER/stdout" 2>/dev/null || true)
        [[ -n $line ]] && printf '%s' "$line" && return
        kill -0 "$DEMO_PID" 2>/dev/null || break
        sleep 0.1
    done
    cat "$DEMO_FOLDER/stderr" >&2
    return 1
}

# demo_agent FOLDER FILE PROMPT: deploys an example and asks it.
demo_agent() {
    local example=$1 file=$2 prompt=$3
    cp -r "$ROOT/examples/$example" "$DEMO_FOLDER/$example"
    cd "$DEMO_FOLDER/$example"
    say "examples/$example/$file"
    sed -n '/^from/,$p' "$file"
    demo_do agentcore configure -e "$file" --non-interactive
    demo_do agentcore deploy
    demo_do agentcore invoke "$prompt"
}

dev_demo() {
    dev_build release
    setup_models
    export PATH=$ROOT/build/bin:$PATH
    DEMO_FOLDER=$(mktemp -d)
    trap demo_stop EXIT
    say "start a daemon with an empty data folder"
    agentcored --listen 127.0.0.1:0 --data-dir "$DEMO_FOLDER/data" \
        >"$DEMO_FOLDER/stdout" 2>"$DEMO_FOLDER/stderr" &
    DEMO_PID=$!
    local endpoint
    endpoint=$(demo_endpoint) || die "the daemon did not start"
    cat "$DEMO_FOLDER/stdout"
    export AGENTCORE_ENDPOINT=$endpoint AGENTCORE_DATA_DIR=$DEMO_FOLDER/data
    demo_do agentcore models list
    demo_agent runtime agent.py '{"prompt": "What is the capital of France?"}'
    demo_do agentcore invoke '{"prompt": "Hello"}' --session-id session-123
    say "three agents in one runtime; what they say is streamed"
    demo_agent multi_agent multi_agent_app.py \
        '{"prompt": "Analyze candidate profile", "user_id": "123"}'
    demo_do agentcore status
    demo_do agentcore destroy --force
    say "stop the daemon"
    cd "$ROOT"
    demo_stop
}
