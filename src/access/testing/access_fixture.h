#pragma once
// For tests: a service over a database of its own, with a clock that stands still.

#include <gtest/gtest.h>

#include "access/access_service.h"
#include "access/testing/test_box.h"
#include "async/run.h"
#include "storage/testing/temporary_folder.h"

namespace ac::access::testing {

inline constexpr const char* kAccount = "111122223333";

class AccessFixture : public ::testing::Test {
  protected:
    void SetUp() override {
        auto opened = storage::open_sqlite({.path = (folder_.path() / "db").string()});
        ASSERT_TRUE(opened);
        database_ = *std::move(opened);
        ASSERT_TRUE(run_on(loop_, database_->migrate(AccessService::migrations())));
        service_ = make_service(UnknownRole::development);
    }

    std::unique_ptr<AccessService> make_service(UnknownRole unknown_role) {
        auto made = std::make_unique<AccessService>(AccessParts{.database = *database_,
                                                                .box = box_,
                                                                .random = random_,
                                                                .clock = clock_,
                                                                .root_key = root_,
                                                                .account = kAccount,
                                                                .unknown_role = unknown_role});
        EXPECT_TRUE(run_on(loop_, made->start()));
        return made;
    }

    template <class T>
    Result<T> run(Task<T> task) {
        return run_on(loop_, std::move(task));
    }

    Entity make(Entity wanted) {
        auto made = run(service_->create(std::move(wanted)));
        EXPECT_TRUE(made) << made.error().message;
        return made ? *made : Entity{};
    }

    Entity make_user(std::string name, std::string policy = {}) {
        Entity user{.kind = EntityKind::user, .account = kAccount, .name = std::move(name)};
        if (!policy.empty()) user.inline_policies["p"] = std::move(policy);
        return make(std::move(user));
    }

    Entity make_role(std::string name, std::string trust, std::string policy = {}) {
        Entity role{.kind = EntityKind::role, .account = kAccount, .name = std::move(name)};
        role.trust_policy = std::move(trust);
        if (!policy.empty()) role.inline_policies["p"] = std::move(policy);
        return make(std::move(role));
    }

    // Of a key made for the user.
    Principal principal_of(const std::string& user) {
        auto key = run(service_->create_key(kAccount, user));
        EXPECT_TRUE(key);
        auto found = service_->find(key->view.id, "", clock_.wall());
        EXPECT_TRUE(found);
        return found->principal;
    }

    bool may(const Principal& principal, std::string_view action, std::string_view resource) {
        const auto context = service_->authorizer().context_of(principal, {.now = clock_.wall()});
        return service_->authorizer()
            .decide({.principal = principal,
                     .action = action,
                     .resource = resource,
                     .context = context})
            .allowed();
    }

    storage::testing::TemporaryFolder folder_;
    Loop loop_;
    ManualClock clock_;
    SystemRandom random_;
    TestBox box_;
    KeyPair root_ = make_key_pair(random_, "AKIA");
    std::unique_ptr<storage::Database> database_;
    std::unique_ptr<AccessService> service_;
};

}  // namespace ac::access::testing
