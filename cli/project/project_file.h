#pragma once
// .bedrock_agentcore.yaml, in the schema of the official Python toolkit, so that a project can be
// used with either. What this program does not know in the file is kept as it is; comments are
// not (the official toolkit drops them as well).

#include <boost/json/value.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/failure.h"
#include "cli/project/naming.h"

namespace ac::cli {

inline constexpr std::string_view kProjectFileName = ".bedrock_agentcore.yaml";

// One agent's entry. Paths are absolute here; relative ones in the file are relative to it.
struct AgentConfig {
    std::string name;
    std::filesystem::path source;
    std::filesystem::path entrypoint;    // relative to `source`
    bool program_alone = false;          // a native program; source_path in the file names it
    std::filesystem::path requirements;  // empty: what the source folder holds
    std::string deployment_type;         // direct_code_deploy
    std::string runtime;                 // PYTHON_3_11
    std::string execution_role;          // empty: the default role
    std::string account;                 // empty: not known yet
    std::string region;                  // empty: not chosen
    std::string s3_path;                 // empty: the default bucket
    std::string network_mode;            // PUBLIC
    std::string protocol;                // HTTP
    bool observability = true;
    std::optional<int> idle_timeout;
    std::optional<int> max_lifetime;
    boost::json::value authorizer;       // null or as CreateAgentRuntime takes it
    boost::json::value request_headers;  // the same
    std::string runtime_id;              // empty: not deployed
    std::string runtime_arn;
    std::string session_id;
    std::string memory_id;  // that the official toolkit made; only read here

    SourceLayout layout() const { return {source, entrypoint, program_alone}; }
};

class ProjectFile final {
  public:
    // not_found (with the command that makes one), usage (no YAML, or of another schema).
    static Expected<ProjectFile> load(const std::filesystem::path& folder);
    // An empty project when there is no file.
    static Expected<ProjectFile> load_or_new(const std::filesystem::path& folder);

    ProjectFile(ProjectFile&&) noexcept;
    ProjectFile& operator=(ProjectFile&&) noexcept;
    ~ProjectFile();

    std::vector<std::string> agent_names() const;
    std::string default_agent() const;
    // Empty `name`: the default agent, or the only one. not_found names what there is.
    Expected<AgentConfig> agent(const std::string& name) const;

    // Writes the fields over the entry of that name; everything else in it stays.
    void put(const AgentConfig& agent);
    void set_default(const std::string& name);
    void forget_deployment(const std::string& name);
    Expected<> save() const;

  private:
    struct Document;
    explicit ProjectFile(std::unique_ptr<Document> document);
    std::unique_ptr<Document> document_;
};

}  // namespace ac::cli
