// Several daemons on one PostgreSQL.

#include <gtest/gtest.h>

#include "access/access_service.h"
#include "access/testing/test_box.h"
#include "async/run.h"
#include "storage/testing/postgres_cluster.h"

namespace ac::access {
namespace {

struct Daemon {
    std::unique_ptr<storage::Database> database;
    std::unique_ptr<AccessService> service;
};

class AccessOnPostgres : public ::testing::Test {
  protected:
    void SetUp() override {
        auto cluster = storage::testing::PostgresCluster::start();
        ASSERT_TRUE(cluster) << cluster.error().message;
        cluster_ = *std::move(cluster);
        auto made = cluster_->create_database();
        ASSERT_TRUE(made);
        conninfo_ = *made;
    }

    Daemon start() {
        Daemon out;
        auto opened = storage::open_postgres({.conninfo = conninfo_, .connections = 2});
        EXPECT_TRUE(opened) << opened.error().message;
        out.database = *std::move(opened);
        EXPECT_TRUE(run_on(loop_, out.database->migrate(AccessService::migrations())));
        out.service = std::make_unique<AccessService>(AccessParts{.database = *out.database,
                                                                  .box = box_,
                                                                  .random = random_,
                                                                  .clock = clock_,
                                                                  .root_key = root_,
                                                                  .account = "111122223333"});
        const auto started = run_on(loop_, out.service->start());
        EXPECT_TRUE(started) << started.error().message;
        return out;
    }

    Loop loop_;
    ManualClock clock_;
    SystemRandom random_;
    testing::TestBox box_;
    KeyPair root_ = make_key_pair(random_, "AKIA");
    std::unique_ptr<storage::testing::PostgresCluster> cluster_;
    std::string conninfo_;
};

TEST_F(AccessOnPostgres, what_one_daemon_changes_the_other_sees) {
    Daemon one = start();
    Daemon two = start();
    Entity user{.kind = EntityKind::user, .account = "111122223333", .name = "alice"};
    ASSERT_TRUE(run_on(loop_, one.service->create(user)));
    const auto key = run_on(loop_, one.service->create_key("111122223333", "alice"));
    ASSERT_TRUE(key);
    ASSERT_TRUE(run_on(loop_, two.service->refresh()));
    const auto found = two.service->find(key->view.id, "", clock_.wall());
    ASSERT_TRUE(found);
    EXPECT_EQ(found->secret->view(), key->secret->view());
    const auto again = run_on(loop_, two.service->create(user));
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().reason, "EntityAlreadyExists");
    const auto token = one.service->session_token(found->principal, Seconds{0});
    ASSERT_TRUE(token);
    EXPECT_TRUE(two.service->find(token->key_id, token->token, clock_.wall()));
    ASSERT_TRUE(run_on(loop_, two.service->delete_key("111122223333", "alice", key->view.id)));
    ASSERT_TRUE(run_on(loop_, one.service->refresh()));
    EXPECT_FALSE(one.service->find(key->view.id, "", clock_.wall()));
}

}  // namespace
}  // namespace ac::access
