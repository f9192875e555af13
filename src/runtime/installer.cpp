#include "runtime/installer.h"

#include <algorithm>
#include <array>

#include "crypto/hash.h"

namespace ac::runtime {
namespace {

namespace fs = std::filesystem;

// Bumped when what an installation leaves behind changes.
constexpr std::string_view kCacheFormat = "1";
constexpr const char* kPipSettings = "/etc/pip.conf";

// Reads [project] dependencies for pip, which cannot do it without building the project.
constexpr std::string_view kReadProject = R"(import sys
try:
    import tomllib
except ImportError:
    from pip._vendor import tomli as tomllib
with open('/var/task/pyproject.toml', 'rb') as file:
    project = tomllib.load(file).get('project', {})
print('\n'.join(project.get('dependencies', [])))
)";

void see_if_there(const fs::path& path, std::vector<fs::path>& visible) {
    std::error_code error;
    // /usr is seen by every guest.
    if (path.string().starts_with("/usr/") || !path.is_absolute() || !fs::exists(path, error))
        return;
    if (std::ranges::find(visible, path) == visible.end()) visible.push_back(path);
}

// Files that a setting like PIP_CERT=/path or PIP_FIND_LINKS="/a /b" names.
void see_values(const std::string& entry, std::vector<fs::path>& visible) {
    std::string_view value = std::string_view(entry).substr(entry.find('=') + 1);
    while (!value.empty()) {
        const auto end = std::min(value.find(' '), value.size());
        std::string_view one = value.substr(0, end);
        value.remove_prefix(std::min(end + 1, value.size()));
        if (one.starts_with("file://")) one.remove_prefix(7);
        see_if_there(one, visible);
    }
}

std::vector<std::string> tool_environment() {
    return {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/work", "TMPDIR=/tmp", "LANG=C.UTF-8",
            "PYTHONDONTWRITEBYTECODE="};
}

BoxRun interpreter_run(const Interpreter& interpreter) {
    BoxRun run{.environment = tool_environment()};
    see_if_there(interpreter_prefix(interpreter.path), run.visible);
    return run;
}

BoxRun network_run(const Interpreter& interpreter, const BuildOptions& options) {
    BoxRun run = interpreter_run(interpreter);
    see_if_there(kPipSettings, run.visible);
    let_reach_indexes(run, options);
    if (!options.uv.empty()) see_if_there(options.uv, run.visible);
    run.environment.push_back("AC_PYTHON=" + interpreter.path.string());
    run.environment.push_back("AC_UV=" + options.uv.string());
    run.environment.push_back("AC_TARGET=" + std::string(kPackagesPath));
    return run;
}

constexpr std::string_view kMakeVenv =
    "set -e\n"
    "cd /work\n"
    "\"$AC_PYTHON\" -I -m venv /work/venv\n"
    "pip() { /work/venv/bin/python -m pip install --no-input --disable-pip-version-check "
    "--no-cache-dir --no-warn-script-location --root-user-action=ignore --target \"$AC_TARGET\" "
    "\"$@\"; }\n";

constexpr std::string_view kUseUv =
    "set -e\n"
    "cd /work\n"
    "uv() { \"$AC_UV\" pip install --python \"$AC_PYTHON\" --no-cache --link-mode copy "
    "--compile-bytecode --target \"$AC_TARGET\" \"$@\"; }\n";

void set_script(BoxRun& run, const std::string& script) {
    run.argv = {"/bin/sh", "-c", script};
}

std::string key_of(std::string_view what, const Interpreter& interpreter,
                   const BuildOptions& options, std::string_view machine, std::string_view text) {
    std::string all(kCacheFormat);
    for (const std::string_view part :
         {what, std::string_view(interpreter.path.native()), machine,
          options.uv.empty() ? std::string_view("pip") : std::string_view("uv"), text}) {
        all += '\n';
        all += part;
    }
    return sha256_hex(all);
}

bool is_python_name(std::string_view name) {
    return name == "python" || name.starts_with("python3");
}

}  // namespace

void let_reach_indexes(BoxRun& run, const BuildOptions& options) {
    run.network = true;
    for (const std::string& entry : options.installer_environment) {
        run.environment.push_back(entry);
        see_values(entry, run.visible);
    }
}

BoxRun install_run(const Requirements& requirements, const Interpreter& interpreter,
                   const BuildOptions& options) {
    BoxRun run = network_run(interpreter, options);
    const std::string file = std::string(kCodePath) + "/" + requirements.file;
    const std::string go = "cd " + std::string(kCodePath) + "\n";
    if (!options.uv.empty()) {
        set_script(run, std::string(kUseUv) + go + "uv -r " + file);
    } else if (requirements.kind == Requirements::Kind::requirements_txt) {
        set_script(run, std::string(kMakeVenv) + go + "pip -r " + file);
    } else {
        run.environment.push_back("AC_READ_PROJECT=" + std::string(kReadProject));
        set_script(run,
                   std::string(kMakeVenv) + go +
                       "/work/venv/bin/python -c \"$AC_READ_PROJECT\" > /tmp/requirements.txt\n"
                       "pip -r /tmp/requirements.txt");
    }
    return run;
}

BoxRun replace_run(const std::string& lines, const Interpreter& interpreter,
                   const BuildOptions& options) {
    BoxRun run = network_run(interpreter, options);
    run.environment.push_back("AC_LINES=" + lines);
    const std::string write = "printf '%s' \"$AC_LINES\" > /tmp/replace.txt\n";
    if (options.uv.empty())
        set_script(run, std::string(kMakeVenv) + write + "pip --no-deps -r /tmp/replace.txt");
    else
        set_script(run, std::string(kUseUv) + write + "uv --no-deps -r /tmp/replace.txt");
    return run;
}

BoxRun compile_run(const Interpreter& interpreter) {
    BoxRun run = interpreter_run(interpreter);
    run.code_is_writable = true;
    // Checked by hash of nothing: the folder never changes, so no source need be looked at.
    set_script(run, "\"$0\" -I -S -m compileall -q --invalidation-mode unchecked-hash " +
                        std::string(kCodePath) + " || true");
    run.argv.push_back(interpreter.path);
    return run;
}

BoxRun check_run(const std::string& script, const Interpreter& interpreter) {
    BoxRun run = interpreter_run(interpreter);
    constexpr const char* kCheck =
        "import sys\n"
        "path = sys.argv[1]\n"
        "try:\n"
        "    compile(open(path, 'rb').read(), path, 'exec')\n"
        "except (SyntaxError, ValueError) as error:\n"
        "    import traceback\n"
        "    print(''.join(traceback.format_exception_only(type(error), error)))\n"
        "    sys.exit(1)\n";
    run.argv = {interpreter.path, "-I", "-S", "-c", kCheck, std::string(kCodePath) + "/" + script};
    return run;
}

std::string install_key(const Requirements& requirements, const Interpreter& interpreter,
                        const BuildOptions& options, std::string_view machine,
                        std::string_view archive) {
    const std::string text = requirements.refers_to_files
                                 ? requirements.text + '\n' + std::string(archive)
                                 : requirements.text;
    return key_of(requirements.file, interpreter, options, machine, text);
}

std::string replace_key(const std::string& lines, const Interpreter& interpreter,
                        const BuildOptions& options, std::string_view machine) {
    return key_of("replace", interpreter, options, machine, lines);
}

Result<EntryCommand> entry_command(const std::vector<std::string>& entry_point,
                                   const Interpreter& interpreter, const HasFile& has_file) {
    EntryCommand out{.argv = {interpreter.path}};
    std::vector<std::string> rest = entry_point;
    if (rest.empty()) return fail(ErrorCode::invalid_argument, "entryPoint is empty");
    const std::string first = rest.front();
    if (rest.size() > 1 && is_python_name(first)) {
        rest.erase(rest.begin());
    } else if (rest.size() > 1 && first == "opentelemetry-instrument") {
        rest.erase(rest.begin());
        const std::string module = "opentelemetry/instrumentation/auto_instrumentation/__init__.py";
        const bool there = has_file(Part::overlay, module) || has_file(Part::packages, module) ||
                           has_file(Part::code, module);
        if (there) {
            out.argv.insert(out.argv.end(),
                            {"-c",
                             "from opentelemetry.instrumentation.auto_instrumentation import run; "
                             "run()",
                             interpreter.path});
        } else {
            out.note = "opentelemetry-instrument is not among the packages: running without it";
        }
    } else if (rest.size() > 1 && !first.ends_with(".py")) {
        rest.erase(rest.begin());
        const std::string tool = "bin/" + first;
        if (first.find('/') != first.npos) {
            return fail(ErrorCode::invalid_argument, "entryPoint: " + first + " is not a command");
        } else if (has_file(Part::packages, tool)) {
            out.argv.push_back(std::string(kPackagesPath) + "/" + tool);
        } else if (has_file(Part::overlay, tool)) {
            out.argv.push_back(std::string(kOverlayPath) + "/" + tool);
        } else if (has_file(Part::code, tool)) {
            out.argv.push_back(std::string(kCodePath) + "/" + tool);
        } else {
            return fail(ErrorCode::invalid_argument,
                        "entryPoint: no package brings a command named " + first);
        }
    }
    out.script = rest.front();
    if (!has_file(Part::code, out.script)) {
        return fail(ErrorCode::invalid_argument,
                    "entryPoint: the archive has no file " + out.script);
    }
    rest.front() = std::string(kCodePath) + "/" + out.script;
    out.argv.insert(out.argv.end(), rest.begin(), rest.end());
    return out;
}

}  // namespace ac::runtime
