#pragma once
// For tests: a PostgreSQL 15 cluster of their own in a temporary folder, reached by a unix socket,
// stopped and removed with the object (and by the kernel's parent-death signal when the test is
// killed). The server refuses to run as root: it then runs as user postgres, or nobody.

#include <fcntl.h>
#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace ac::storage::testing {

class PostgresCluster final {
  public:
    static Result<std::unique_ptr<PostgresCluster>> start() {
        if (!std::filesystem::exists(std::string(kBin) + "/postgres"))
            return fail(ErrorCode::unavailable,
                        "PostgreSQL 15 is needed by this test: apt-get install postgresql-15");
        char folder[] = "/tmp/agentcored-pg-XXXXXX";
        if (::mkdtemp(folder) == nullptr) return fail(ErrorCode::unavailable, "mkdtemp");
        std::unique_ptr<PostgresCluster> cluster(new PostgresCluster(folder));
        AC_CHECK(cluster->initialise());
        AC_CHECK(cluster->start_server());
        return cluster;
    }

    ~PostgresCluster() {
        stop_server();
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    PostgresCluster(const PostgresCluster&) = delete;
    PostgresCluster& operator=(const PostgresCluster&) = delete;

    std::string conninfo(const std::string& database) const {
        return fmt::format("host={} dbname={} user=agentcored", folder_, database);
    }

    // An empty database; its conninfo.
    Result<std::string> create_database() {
        const std::string name = fmt::format("test_{}", ++databases_);
        PGconn* connection = PQconnectdb(conninfo("postgres").c_str());
        PGresult* result = PQexec(connection, ("CREATE DATABASE " + name).c_str());
        const bool created = PQresultStatus(result) == PGRES_COMMAND_OK;
        const std::string message = PQerrorMessage(connection);
        PQclear(result);
        PQfinish(connection);
        if (!created) return fail(ErrorCode::unavailable, "create test database: " + message);
        return conninfo(name);
    }

    Result<> start_server() {
        auto argv = as_server_user();
        for (const std::string& word :
             {std::string(kBin) + "/postgres", std::string("-D"), folder_ + "/data",
              std::string("-k"), folder_, std::string("-c"), std::string("listen_addresses="),
              std::string("-c"), std::string("fsync=off"), std::string("-c"),
              std::string("shared_buffers=16MB")})
            argv.push_back(word);
        AC_TRY(server_, spawn(argv));
        for (int tries = 0; tries < 500; ++tries) {
            if (PQping(conninfo("postgres").c_str()) == PQPING_OK) return {};
            ::poll(nullptr, 0, 20);
        }
        return fail(ErrorCode::unavailable, "PostgreSQL did not start: see " + folder_ + "/log");
    }

    void stop_server() {
        if (server_ <= 0) return;
        ::kill(server_, SIGINT);  // "fast": running transactions are aborted
        ::waitpid(server_, nullptr, 0);
        server_ = -1;
    }

  private:
    static constexpr const char* kBin = "/usr/lib/postgresql/15/bin";

    explicit PostgresCluster(std::string folder) : folder_(std::move(folder)) {}

    std::vector<std::string> as_server_user() const {
        std::vector<std::string> argv = {"/usr/bin/setpriv", "--pdeathsig", "INT"};
        if (::geteuid() == 0) {
            argv.insert(argv.end(),
                        {"--reuid", user_, "--regid", std::to_string(group_id_), "--clear-groups"});
        }
        return argv;
    }

    Result<> initialise() {
        if (::geteuid() == 0) {
            const passwd* user = ::getpwnam("postgres");
            if (user == nullptr) user = ::getpwnam("nobody");
            if (user == nullptr)
                return fail(ErrorCode::unavailable, "no user to run PostgreSQL as");
            user_ = user->pw_name;
            group_id_ = user->pw_gid;
            if (::chown(folder_.c_str(), user->pw_uid, user->pw_gid) != 0)
                return fail(ErrorCode::unavailable, "chown " + folder_);
        }
        auto argv = as_server_user();
        argv.insert(argv.end(),
                    {std::string(kBin) + "/initdb", "-D", folder_ + "/data", "-U", "agentcored",
                     "-A", "trust", "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync"});
        AC_TRY(const pid_t child, spawn(argv));
        int status = 0;
        ::waitpid(child, &status, 0);
        if (status != 0)
            return fail(ErrorCode::unavailable, "initdb failed: see " + folder_ + "/log");
        return {};
    }

    Result<pid_t> spawn(const std::vector<std::string>& words) const {
        std::vector<char*> argv;
        for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
        argv.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        const std::string log = folder_ + "/log";
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                         0644);
        posix_spawn_file_actions_adddup2(&actions, 1, 2);
        pid_t child = -1;
        const int error = ::posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ);
        posix_spawn_file_actions_destroy(&actions);
        if (error != 0) return fail(ErrorCode::unavailable, "cannot run " + words[0]);
        return child;
    }

    const std::string folder_;
    std::string user_;
    gid_t group_id_ = 0;
    pid_t server_ = -1;
    int databases_ = 0;
};

}  // namespace ac::storage::testing
