# Installs what is missing. Each part is skipped in milliseconds when a stamp says that it was done
# for the same inputs. Sourced by ./dev.

VENV=$ROOT/build/venv
JS=$ROOT/tests/conformance/js

setup_all() {
    setup_packages
    setup_python
    setup_interpreter
    setup_js
}

package_names() { sed 's/#.*//' "$ROOT/tools/dev/packages.txt" | tr -s ' \n' '\n' | sed '/^$/d'; }

# A package counts as present when it is installed, whatever its version; and nginx when any
# flavour of it is, because its flavours exclude one another.
missing_packages() {
    local name present
    present=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p')
    [[ -x /usr/sbin/nginx ]] && present+=$'\nnginx-light'
    package_names | grep -vxF -f <(printf '%s\n' "$present") || true
}

as_root() {
    if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

setup_packages() {
    local missing
    mapfile -t missing < <(missing_packages)
    ((${#missing[@]} == 0)) && return
    command -v apt-get >/dev/null || die "these Debian packages are missing: ${missing[*]}"
    ((EUID == 0)) || command -v sudo >/dev/null || die "run as root once: ./dev setup"
    say "Debian packages missing: ${missing[*]}"
    step "apt-get update" retry quiet apt-update as_root apt-get update -q
    step "apt-get install" install_packages "${missing[@]}"
}

# Servers among the packages (PostgreSQL, nginx) must not start: tests start their own.
install_packages() {
    local policy=/usr/sbin/policy-rc.d placed=no code=0
    if [[ ! -e $policy ]]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
        as_root chmod 755 $policy
        placed=yes
    fi
    retry quiet apt-install as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
        --no-install-recommends -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 "$@" || code=$?
    if [[ $placed == yes ]]; then as_root rm -f $policy; fi
    return "$code"
}

# /usr/bin/python3 and not whichever comes first in PATH: guests run on Debian's.
setup_python() {
    local stamp
    stamp=$(digest tests/requirements.txt tools/dev/setup.sh)$(/usr/bin/python3 --version)
    [[ -x $VENV/bin/python && $(cat "$VENV/.stamp" 2>/dev/null) == "$stamp" ]] && return
    rm -rf "$VENV"
    mkdir -p "$ROOT/build"
    step "Python venv in build/venv" quiet venv /usr/bin/python3 -m venv "$VENV"
    step "Python packages of tests/requirements.txt" retry quiet pip \
        "$VENV/bin/python" -m pip install --no-deps -r tests/requirements.txt
    printf '%s' "$stamp" >"$VENV/.stamp"
}

# The image of the code interpreter: packages over the host's Python, found beside build/bin.
setup_interpreter() {
    local stamp image=$ROOT/build/interpreter
    stamp=$(digest deploy/interpreter-requirements.txt)$(/usr/bin/python3 --version)
    [[ -x $image/bin/python && $(cat "$image/.stamp" 2>/dev/null) == "$stamp" ]] && return
    rm -rf "$image"
    step "Code interpreter's environment in build/interpreter" quiet interpreter-venv \
        /usr/bin/python3 -m venv "$image"
    step "Packages of deploy/interpreter-requirements.txt" retry quiet interpreter-packages \
        "$VENV/bin/uv" pip install --python "$image/bin/python" --compile-bytecode --no-deps \
        -r deploy/interpreter-requirements.txt
    printf '%s' "$stamp" >"$image/.stamp"
}

# Node comes in a wheel (tests/requirements.txt): Debian's is too old for the AWS SDK.
setup_js() {
    local stamp
    stamp=$(digest "$JS/package-lock.json" "$JS/package.json" tests/requirements.txt)
    [[ $(cat "$JS/node_modules/.stamp" 2>/dev/null) == "$stamp" ]] && return
    step "npm packages of tests/conformance/js" retry quiet npm npm_ci
    printf '%s' "$stamp" >"$JS/node_modules/.stamp"
}

npm_ci() (
    cd "$JS"
    export PATH=$VENV/bin:$PATH
    export npm_config_cafile=${npm_config_cafile:-/etc/ssl/certs/ca-certificates.crt}
    npm ci --ignore-scripts --no-audit --no-fund
)
