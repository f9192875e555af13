#include "cli/project/project_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/json/object.hpp>

#include "base/file.h"
#include "cli/project/yaml_nodes.h"

namespace ac::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using namespace yaml;

constexpr std::size_t kFileBytesMax = 1 << 20;

// Before there could be several agents the file held one agent's fields at the top.
YAML::Node with_agents(const YAML::Node& root) {
    if (root["agents"] || !root["name"] || !root["entrypoint"]) return root;
    YAML::Node project(YAML::NodeType::Map);
    project["default_agent"] = root["name"].Scalar();
    project["agents"][root["name"].Scalar()] = root;
    return project;
}

void read_aws(const YAML::Node& aws, AgentConfig& agent) {
    agent.execution_role = text_at(aws, "execution_role");
    agent.account = text_at(aws, "account");
    agent.region = text_at(aws, "region");
    agent.s3_path = text_at(aws, "s3_path");
    agent.network_mode = text_at(map_at(aws, "network_configuration"), "network_mode");
    agent.protocol = text_at(map_at(aws, "protocol_configuration"), "server_protocol");
    agent.observability = text_at(map_at(aws, "observability"), "enabled") != "false";
    const YAML::Node lifecycle = map_at(aws, "lifecycle_configuration");
    agent.idle_timeout = integer_at(lifecycle, "idle_runtime_session_timeout");
    agent.max_lifetime = integer_at(lifecycle, "max_lifetime");
    if (agent.network_mode.empty()) agent.network_mode = "PUBLIC";
    if (agent.protocol.empty()) agent.protocol = "HTTP";
}

AgentConfig read_agent(const YAML::Node& node, const std::string& name, const fs::path& folder) {
    AgentConfig agent;
    agent.name = name;
    const std::string source = text_at(node, "source_path");
    const std::string entrypoint = text_at(node, "entrypoint");
    agent.source = source.empty() ? folder : (folder / source).lexically_normal();
    if (agent.source.filename().empty()) agent.source = agent.source.parent_path();
    std::error_code error;
    if (fs::is_regular_file(agent.source, error)) {
        agent.program_alone = true;
        agent.source = agent.source.parent_path();
    }
    // The toolkit writes entry points absolute, relative to the project or to the source folder.
    agent.entrypoint = entrypoint;
    if (agent.entrypoint.is_absolute() || !fs::exists(agent.source / entrypoint, error))
        agent.entrypoint =
            (folder / entrypoint).lexically_normal().lexically_relative(agent.source);
    if (const auto file = text_at(node, "requirements_file"); !file.empty())
        agent.requirements = (folder / file).lexically_normal();
    agent.deployment_type = text_at(node, "deployment_type");
    agent.runtime = text_at(node, "runtime_type");
    read_aws(map_at(node, "aws"), agent);
    if (agent.deployment_type.empty()) {
        const bool container = !text_at(map_at(node, "aws"), "ecr_repository").empty();
        agent.deployment_type = container ? "container" : "direct_code_deploy";
    }
    const YAML::Node deployment = map_at(node, "bedrock_agentcore");
    agent.runtime_id = text_at(deployment, "agent_id");
    agent.runtime_arn = text_at(deployment, "agent_arn");
    agent.session_id = text_at(deployment, "agent_session_id");
    agent.memory_id = text_at(map_at(node, "memory"), "memory_id");
    agent.authorizer = to_json(map_at(node, "authorizer_configuration"));
    agent.request_headers = to_json(map_at(node, "request_header_configuration"));
    return agent;
}

std::string relative_text(const fs::path& path, const fs::path& folder) {
    const fs::path relative = path.lexically_relative(folder);
    if (relative.empty() || *relative.begin() == "..") return path.string();
    return relative.string();
}

void write_aws(YAML::Node aws, const AgentConfig& agent) {
    aws["execution_role"] = text_or_none(agent.execution_role);
    aws["execution_role_auto_create"] = agent.execution_role.empty();
    aws["account"] = agent.account.empty() ? none() : quoted(agent.account);
    aws["region"] = text_or_none(agent.region);
    default_to(aws, "ecr_repository", none());
    default_to(aws, "ecr_auto_create", YAML::Node(false));
    aws["s3_path"] = text_or_none(agent.s3_path);
    aws["s3_auto_create"] = agent.s3_path.empty();
    YAML::Node network = child_map(aws, "network_configuration");
    network["network_mode"] = agent.network_mode;
    default_to(network, "network_mode_config", none());
    child_map(aws, "protocol_configuration")["server_protocol"] = agent.protocol;
    child_map(aws, "observability")["enabled"] = agent.observability;
    YAML::Node lifecycle = child_map(aws, "lifecycle_configuration");
    lifecycle["idle_runtime_session_timeout"] = integer_or_none(agent.idle_timeout);
    lifecycle["max_lifetime"] = integer_or_none(agent.max_lifetime);
}

void write_agent(YAML::Node node, const AgentConfig& agent, const fs::path& folder) {
    const bool node_js = agent.runtime.starts_with("NODE");
    node["name"] = agent.name;
    default_to(node, "language", YAML::Node(node_js ? "typescript" : "python"));
    node["entrypoint"] = relative_text(agent.source / agent.entrypoint, folder);
    node["deployment_type"] = agent.deployment_type;
    node["runtime_type"] = text_or_none(agent.runtime);
    default_to(node, "platform", YAML::Node("linux/amd64"));
    default_to(node, "container_runtime", none());
    node["source_path"] =
        relative_text(agent.program_alone ? agent.source / agent.entrypoint : agent.source, folder);
    if (!agent.requirements.empty())
        node["requirements_file"] = relative_text(agent.requirements, folder);
    write_aws(child_map(node, "aws"), agent);
    YAML::Node deployment = child_map(node, "bedrock_agentcore");
    deployment["agent_id"] = text_or_none(agent.runtime_id);
    deployment["agent_arn"] = text_or_none(agent.runtime_arn);
    deployment["agent_session_id"] = agent.session_id.empty() ? none() : quoted(agent.session_id);
    YAML::Node build = child_map(node, "codebuild");
    for (const char* key : {"project_name", "execution_role", "source_bucket"})
        default_to(build, key, none());
    default_to(child_map(node, "memory"), "mode", YAML::Node("NO_MEMORY"));
    const auto none_or = [](const json::value& value) {
        const auto* object = value.if_object();
        return object && !object->empty() ? from_json(value) : none();
    };
    node["authorizer_configuration"] = none_or(agent.authorizer);
    node["request_header_configuration"] = none_or(agent.request_headers);
    default_to(node, "oauth_configuration", none());
}

}  // namespace

struct ProjectFile::Document {
    fs::path folder;
    YAML::Node root{YAML::NodeType::Map};

    fs::path path() const { return folder / kProjectFileName; }
};

ProjectFile::ProjectFile(std::unique_ptr<Document> document) : document_(std::move(document)) {}
ProjectFile::ProjectFile(ProjectFile&&) noexcept = default;
ProjectFile& ProjectFile::operator=(ProjectFile&&) noexcept = default;
ProjectFile::~ProjectFile() = default;

Expected<ProjectFile> ProjectFile::load(const fs::path& folder) {
    auto document = std::make_unique<Document>();
    document->folder = folder;
    auto text = read_file(document->path(), kFileBytesMax);
    if (!text && text.error().code == ErrorCode::not_found)
        return failed(ExitCode::not_found,
                      fmt::format("no {} in {}", kProjectFileName, folder.string()),
                      "Run: agentcore configure -e agent.py");
    if (!text) return std::unexpected(Failure(text.error()));
    const auto damaged = [&](std::string_view why) {
        return failed(ExitCode::usage, fmt::format("{}: {}", document->path().string(), why),
                      "Mend the file, or remove it and run: agentcore configure -e agent.py");
    };
    try {
        const YAML::Node root = YAML::Load(*text);
        if (root.IsNull()) return ProjectFile(std::move(document));
        if (!root.IsMap() || !within_bounds(root)) return damaged("is not a project file");
        document->root = with_agents(root);
        if (const YAML::Node agents = document->root["agents"]; agents && !agents.IsMap())
            return damaged("agents is not a map");
    } catch (const YAML::Exception& error) {
        return damaged(error.what());
    }
    return ProjectFile(std::move(document));
}

Expected<ProjectFile> ProjectFile::load_or_new(const fs::path& folder) {
    auto loaded = load(folder);
    if (loaded || loaded.error().code != ExitCode::not_found) return loaded;
    auto document = std::make_unique<Document>();
    document->folder = folder;
    return ProjectFile(std::move(document));
}

std::vector<std::string> ProjectFile::agent_names() const {
    std::vector<std::string> names;
    for (const auto& entry : map_at(document_->root, "agents"))
        names.push_back(text_of(entry.first));
    return names;
}

std::string ProjectFile::default_agent() const {
    return text_at(document_->root, "default_agent");
}

Expected<AgentConfig> ProjectFile::agent(const std::string& name) const {
    const auto names = agent_names();
    std::string wanted = name.empty() ? default_agent() : name;
    if (wanted.empty() && names.size() == 1) wanted = names.front();
    if (names.empty())
        return failed(ExitCode::not_found, fmt::format("{} holds no agent", kProjectFileName),
                      "Run: agentcore configure -e agent.py");
    const YAML::Node agents = map_at(document_->root, "agents");
    if (wanted.empty() || !agents[wanted] || !agents[wanted].IsMap())
        return failed(
            ExitCode::not_found,
            wanted.empty() ? std::string("several agents and no default")
                           : fmt::format("no agent {} in {}", wanted, kProjectFileName),
            fmt::format("There is: {}. Choose one with --agent.", fmt::join(names, ", ")));
    return read_agent(agents[wanted], wanted, document_->folder);
}

void ProjectFile::put(const AgentConfig& agent) {
    if (!document_->root["default_agent"]) document_->root["default_agent"] = agent.name;
    YAML::Node agents = child_map(document_->root, "agents");
    write_agent(child_map(agents, agent.name.c_str()), agent, document_->folder);
}

void ProjectFile::set_default(const std::string& name) {
    document_->root["default_agent"] = name;
}

void ProjectFile::forget_deployment(const std::string& name) {
    YAML::Node agents = child_map(document_->root, "agents");
    YAML::Node deployment = child_map(agents[name], "bedrock_agentcore");
    for (const char* key : {"agent_id", "agent_arn", "agent_session_id"}) deployment[key] = none();
}

Expected<> ProjectFile::save() const {
    AC_CHECK(write_file(document_->path(), print(document_->root), 0644));
    return {};
}

}  // namespace ac::cli
