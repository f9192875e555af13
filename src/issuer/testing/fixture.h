#pragma once
// For tests and benchmarks: an issuer on an SQLite file of its own, with a clock that stands still.

#include <unistd.h>

#include <filesystem>

#include "async/run.h"
#include "crypto/testing/rotating_box.h"
#include "issuer/issuer.h"

namespace ac::issuer::testing {

using TestSealer = ac::testing::RotatingBox<Sealer>;

class IssuerFixture {
  public:
    explicit IssuerFixture(const std::string& name)
        : folder_(std::filesystem::temp_directory_path() /
                  ("agentcored-issuer-" + name + "." + std::to_string(::getpid()))) {
        std::filesystem::create_directories(folder_);
        database_ = std::move(storage::open_sqlite({.path = (folder_ / "db").string()})).value();
        issuer_ = std::make_unique<Issuer>(IssuerParts{.database = *database_,
                                                       .sealer = sealer_,
                                                       .clock = clock_,
                                                       .random = random_,
                                                       .pool = pool_});
        AC_ASSERT(run(database_->migrate(Issuer::migrations())));
        issuer_->directory().open_default("http://127.0.0.1:1/issuer", SignatureAlgorithm::es256);
    }
    ~IssuerFixture() {
        issuer_.reset();
        database_.reset();
        std::filesystem::remove_all(folder_);
    }

    template <class T>
    Result<T> run(Task<T> task) {
        return run_on(loop_, std::move(task));
    }
    Pool pool() { return *issuer_->directory().default_pool(); }
    Issuer& issuer() { return *issuer_; }
    ManualClock& clock() { return clock_; }
    TestSealer& sealer() { return sealer_; }

    Directory::NewClient machine() {
        return *run(issuer_->directory().create_client({.pool = std::string(kDefaultPool),
                                                        .scopes = {"read", "write"},
                                                        .grants = {"client_credentials"}},
                                                       Directory::Secret::generate));
    }
    Directory::NewClient web() {
        return *run(issuer_->directory().create_client({.pool = std::string(kDefaultPool),
                                                        .redirect_uris = {"https://app.example/cb"},
                                                        .scopes = {"openid"},
                                                        .grants = {"authorization_code"}},
                                                       Directory::Secret::none));
    }

  private:
    const std::filesystem::path folder_;
    Loop loop_;
    ManualClock clock_;
    SystemRandom random_;
    TestSealer sealer_;
    ThreadPool pool_{2};
    std::unique_ptr<storage::Database> database_;
    std::unique_ptr<Issuer> issuer_;
};

}  // namespace ac::issuer::testing
