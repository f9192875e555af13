#pragma once
// What `agentcore memory ...` asks for, as values. A memory is named by its id or its name.

#include <string>

namespace ac::cli {

struct MemoryCreateOptions {
    std::string name;
    std::string strategies;  // "semantic,summary", a JSON array, or @FILE with one
    std::string description;
    std::string region;
    int event_expiry_days = 90;
};

struct MemoryListOptions {
    std::string region;
};

struct MemoryShowOptions {
    std::string memory;
    std::string region;
};

struct MemoryDeleteOptions {
    std::string memory;
    std::string region;
    bool force = false;
};

// Without an actor the actors are listed, without a session the actor's sessions.
struct MemoryEventsOptions {
    std::string memory;
    std::string region;
    std::string actor;
    std::string session;
    std::string branch;
    int count = 20;
};

struct MemoryRecordsOptions {
    std::string memory;
    std::string region;
    std::string space;       // exactly this namespace
    std::string path = "/";  // or this and all below
    std::string strategy;
    int count = 20;
};

struct MemorySearchOptions {
    std::string memory;
    std::string query;
    std::string region;
    std::string space;
    std::string path = "/";
    std::string strategy;
    int top_k = 10;
};

struct MemoryJobsOptions {
    std::string memory;
    std::string region;
    std::string retry;  // a job's id, or "all"
};

struct MemoryRebuildOptions {
    std::string memory;
    std::string region;
};

struct MemoryExportOptions {
    std::string memory;
    std::string region;
    std::string output = "-";  // a file, or stdout
};

struct MemoryImportOptions {
    std::string memory;
    std::string input;  // a file, or - for stdin
    std::string region;
    bool extract = false;  // make records anew instead of storing the file's
};

}  // namespace ac::cli
