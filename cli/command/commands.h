#pragma once
// One function a command. Each prints its result (text, or with --json one JSON document) on
// stdout and returns a Failure instead of printing it.

#include "cli/options.h"
#include "cli/world.h"

namespace ac::cli {

struct Context {
    World& world;
    const CommonOptions& common;

    Console& console() const { return world.console; }
};

Expected<> run(const Context& context, const ConfigureOptions& options);
Expected<> run(const Context& context, const ConfigureListOptions& options);
Expected<> run(const Context& context, const ConfigureSetDefaultOptions& options);
Expected<> run(const Context& context, const DeployOptions& options);
Expected<> run(const Context& context, const InvokeOptions& options);
Expected<> run(const Context& context, const StatusOptions& options);
Expected<> run(const Context& context, const LogsOptions& options);
Expected<> run(const Context& context, const SessionsOptions& options);
Expected<> run(const Context& context, const SessionsStopOptions& options);
Expected<> run(const Context& context, const DevOptions& options);
Expected<> run(const Context& context, const ManOptions& options);
Expected<> run(const Context& context, const ExecOptions& options);
Expected<> run(const Context& context, const ShellOptions& options);
Expected<> run(const Context& context, const StopSessionOptions& options);
Expected<> run(const Context& context, const DestroyOptions& options);
Expected<> run(const Context& context, const EnvOptions& options);
Expected<> run(const Context& context, const DoctorOptions& options);
Expected<> run(const Context& context, const DaemonOptions& options);
Expected<> run(const Context& context, const MemoryCreateOptions& options);
Expected<> run(const Context& context, const MemoryListOptions& options);
Expected<> run(const Context& context, const MemoryShowOptions& options);
Expected<> run(const Context& context, const MemoryDeleteOptions& options);
Expected<> run(const Context& context, const MemoryEventsOptions& options);
Expected<> run(const Context& context, const MemoryRecordsOptions& options);
Expected<> run(const Context& context, const MemorySearchOptions& options);
Expected<> run(const Context& context, const MemoryJobsOptions& options);
Expected<> run(const Context& context, const MemoryRebuildOptions& options);
Expected<> run(const Context& context, const MemoryExportOptions& options);
Expected<> run(const Context& context, const MemoryImportOptions& options);
Expected<> run(const Context& context, const ModelsListOptions& options);
Expected<> run(const Context& context, const ModelsAddOptions& options);
Expected<> run(const Context& context, const ModelsRemoveOptions& options);
Expected<> run(const Context& context, const ModelsDefaultOptions& options);
Expected<> run(const Context& context, const IssuerOptions& options);
Expected<> run(const Context& context, const IssuerClientOptions& options);
Expected<> run(const Context& context, const IssuerUserOptions& options);
Expected<> run(const Context& context, const ModelKeyCreateOptions& options);
Expected<> run(const Context& context, const ModelKeyListOptions& options);
Expected<> run(const Context& context, const ModelKeyDeleteOptions& options);
Expected<> run(const Context& context, const IdentityOptions& options);
Expected<> run(const Context& context, const AccessUserOptions& options);
Expected<> run(const Context& context, const AccessKeyOptions& options);
Expected<> run(const Context& context, const AccessRoleOptions& options);
Expected<> run(const Context& context, const AccessPolicyOptions& options);
Expected<> run(const Context& context, const AccessSimulateOptions& options);
Expected<> run(const Context& context, const UsageOptions& options);
Expected<> run(const Context& context, const CodeRunOptions& options);
Expected<> run(const Context& context, const CodeReplOptions& options);
Expected<> run(const Context& context, const CodeForkOptions& options);

// The whole program: parses, runs, reports a failure on stderr (and as {"error": ...} on stdout
// with --json); returns the exit code.
int main_with(World& world, std::vector<std::string> arguments);

}  // namespace ac::cli
