#include "runtime/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "async/manual_timer.h"
#include "async/run.h"

namespace ac::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Recorder final : CatalogListener {
    std::vector<PendingBuild> builds;
    std::vector<std::string> changes;
    std::vector<std::string> deletes;
    void build_wanted(PendingBuild build) override { builds.push_back(std::move(build)); }
    void changed(const Scope&, const Resource& resource, bool end) override {
        changes.push_back(resource.endpoint + (end ? "!" : ""));
    }
    void delete_wanted(const Scope&, const RuntimeId& id) override { deletes.push_back(id.text()); }
};

class catalog : public testing::Test {
  protected:
    catalog() {
        folder_ = std::filesystem::temp_directory_path() /
                  ("ac-catalog-" + random_alphanumeric(system_random_, 12));
        std::filesystem::create_directories(folder_);
        database_ = storage::open_sqlite({.path = folder_ / "test.db"}).value();
        limits_.endpoints_max = 3;
        catalog_ = make_catalog(*database_, random_, timer_.clock(), limits_, recorder_);
        EXPECT_TRUE(run_on(loop_, catalog_->migrate()));
    }
    ~catalog() override {
        catalog_.reset();
        database_.reset();
        std::filesystem::remove_all(folder_);
    }

    template <class T>
    Result<T> run(Task<T> task) {
        return run_on(loop_, std::move(task));
    }
    NewRuntime named(std::string name) {
        return {.name = std::move(name),
                .description = "d",
                .document = "{}",
                .spec = {.code = {"bucket", "key", ""},
                         .python = "3.11",
                         .entry_point = {"agent.py"},
                         .environment = {{"A", "1"}},
                         .idle_timeout = Seconds{900},
                         .lifetime_max = Seconds{28'800},
                         .header_allowlist = {"X-Mine"}}};
    }
    RuntimeId create(std::string name) {
        return run(catalog_->create(scope_, named(std::move(name)))).value().id;
    }
    void build_ends(Result<BuiltVersion> built) {
        PendingBuild build = std::move(recorder_.builds.back());
        recorder_.builds.pop_back();
        EXPECT_TRUE(run(catalog_->build_ended(std::move(build), std::move(built))));
    }
    static BuiltVersion built() {
        return {.code_folder = "/code", .interpreter = "/usr/bin/python3", .command = {"python3"}};
    }
    RuntimeId create_ready(std::string name) {
        const RuntimeId id = create(std::move(name));
        build_ends(built());
        return id;
    }
    void update(const RuntimeId& id, Result<BuiltVersion> outcome) {
        EXPECT_TRUE(run(catalog_->update(scope_, {.id = id, .document = "{}"})));
        build_ends(std::move(outcome));
    }
    EndpointView default_of(const RuntimeId& id) {
        return run(catalog_->get_endpoint(scope_, id, "DEFAULT")).value();
    }
    RuntimeView get(const RuntimeId& id) {
        return run(catalog_->get(scope_, id, std::nullopt)).value();
    }

    const Scope scope_{"000000000000", "us-west-2"};
    Loop loop_;
    SystemRandom system_random_;
    SeededRandom random_{7};
    ManualTimer timer_;
    RuntimeLimits limits_;
    Recorder recorder_;
    std::filesystem::path folder_;
    std::unique_ptr<storage::Database> database_;
    std::unique_ptr<Catalog> catalog_;
};

TEST_F(catalog, a_new_runtime_is_creating_until_its_build_has_ended) {
    const auto made = run(catalog_->create(scope_, named("hello")));
    ASSERT_TRUE(made);
    EXPECT_EQ(made->status, Status::creating);
    EXPECT_EQ(made->version, 1);
    EXPECT_TRUE(made->id.text().starts_with("hello-"));
    EXPECT_EQ(made->id.text().size(), 16u);
    EXPECT_EQ(default_of(made->id).status, Status::creating);
    EXPECT_EQ(run(catalog_->resolve(scope_, made->id, "DEFAULT")).error().code, ErrorCode::busy);

    build_ends(built());
    EXPECT_EQ(get(made->id).status, Status::ready);
    EXPECT_EQ(default_of(made->id).status, Status::ready);
    const auto resolved = run(catalog_->resolve(scope_, made->id, "DEFAULT"));
    ASSERT_TRUE(resolved);
    EXPECT_EQ(resolved->version, 1);
    EXPECT_EQ(resolved->built.code_folder, "/code");
    EXPECT_EQ(resolved->spec.environment.at("A"), "1");
    EXPECT_EQ(resolved->spec.idle_timeout, Seconds{900});
    EXPECT_THAT(resolved->spec.header_allowlist, ElementsAre("X-Mine"));
}

TEST_F(catalog, a_failed_build_is_told_with_its_reason) {
    const RuntimeId id = create("broken");
    build_ends(fail(ErrorCode::guest_failed, "agent.py is missing"));
    const RuntimeView view = get(id);
    EXPECT_EQ(view.status, Status::create_failed);
    EXPECT_EQ(view.failure_reason, "agent.py is missing");
    EXPECT_EQ(default_of(id).status, Status::create_failed);
    const auto resolved = run(catalog_->resolve(scope_, id, "DEFAULT"));
    EXPECT_EQ(resolved.error().code, ErrorCode::invalid_argument);
    EXPECT_THAT(resolved.error().message, HasSubstr("agent.py is missing"));
}

TEST_F(catalog, a_failed_build_whose_words_are_no_text_has_failed_nonetheless) {
    const RuntimeId id = create("broken");
    build_ends(fail(ErrorCode::guest_failed, std::string("cut \x82\xac, \xff and \0", 15)));
    EXPECT_EQ(get(id).status, Status::create_failed);
    EXPECT_EQ(get(id).failure_reason, "cut ??, ? and ?");
    EXPECT_EQ(default_of(id).failure_reason, "cut ??, ? and ?");
}

TEST_F(catalog, names_are_unique_in_a_scope_only) {
    create("twice");
    const auto again = run(catalog_->create(scope_, named("twice")));
    EXPECT_EQ(again.error().code, ErrorCode::conflict);
    EXPECT_THAT(again.error().message, HasSubstr("already exists"));
    const Scope elsewhere{"000000000000", "eu-west-1"};
    EXPECT_TRUE(run(catalog_->create(elsewhere, named("twice"))));
    const Scope other{"111111111111", "us-west-2"};
    EXPECT_TRUE(run(catalog_->create(other, named("twice"))));
}

TEST_F(catalog, another_account_sees_nothing) {
    const RuntimeId id = create_ready("mine");
    const Scope other{"111111111111", "us-west-2"};
    EXPECT_EQ(run(catalog_->get(other, id, std::nullopt)).error().code, ErrorCode::not_found);
    EXPECT_EQ(run(catalog_->resolve(other, id, "DEFAULT")).error().code, ErrorCode::not_found);
    EXPECT_EQ(run(catalog_->remove(other, id, std::nullopt, {})).error().code,
              ErrorCode::not_found);
    EXPECT_TRUE(run(catalog_->list(other, {})).value().items.empty());
}

TEST_F(catalog, an_update_makes_a_version_and_moves_only_the_default_endpoint) {
    const RuntimeId id = create_ready("moving");
    ASSERT_TRUE(run(catalog_->create_endpoint(scope_, {.runtime = id, .name = "prod"})));
    const auto updated = run(catalog_->update(scope_, {.id = id, .document = "{}"}));
    ASSERT_TRUE(updated);
    EXPECT_EQ(updated->status, Status::updating);
    EXPECT_EQ(updated->version, 2);
    EXPECT_EQ(default_of(id).live_version, 1);
    EXPECT_EQ(default_of(id).target_version, 2);
    EXPECT_EQ(run(catalog_->resolve(scope_, id, "DEFAULT")).value().version, 1);
    EXPECT_EQ(run(catalog_->update(scope_, {.id = id})).error().code, ErrorCode::conflict);

    build_ends(built());
    EXPECT_EQ(default_of(id).live_version, 2);
    EXPECT_EQ(run(catalog_->get_endpoint(scope_, id, "prod")).value().live_version, 1);
    EXPECT_EQ(run(catalog_->get(scope_, id, 1)).value().status, Status::ready);

    const auto moved =
        run(catalog_->update_endpoint(scope_, {.runtime = id, .name = "prod", .version = 2}));
    ASSERT_TRUE(moved);
    EXPECT_EQ(moved->live_version, 2);
}

TEST_F(catalog, a_failed_update_leaves_the_old_version_live) {
    const RuntimeId id = create_ready("careful");
    update(id, fail(ErrorCode::guest_failed, "no"));
    EXPECT_EQ(get(id).status, Status::update_failed);
    EXPECT_EQ(default_of(id).status, Status::update_failed);
    EXPECT_EQ(run(catalog_->resolve(scope_, id, "DEFAULT")).value().version, 1);
    update(id, built());
    EXPECT_EQ(get(id).status, Status::ready);
    EXPECT_EQ(run(catalog_->resolve(scope_, id, "DEFAULT")).value().version, 3);
}

TEST_F(catalog, a_token_gives_the_same_answer_once_and_an_error_for_other_parameters) {
    NewRuntime input = named("once");
    input.once = {"token-1", "hash-1"};
    const auto first = run(catalog_->create(scope_, input));
    const auto second = run(catalog_->create(scope_, input));
    ASSERT_TRUE(second);
    EXPECT_EQ(second->id, first->id);
    EXPECT_EQ(recorder_.builds.size(), 1u);
    input.once.parameters = "hash-2";
    const auto third = run(catalog_->create(scope_, input));
    EXPECT_EQ(third.error().reason, "IdempotentParameterMismatchException");

    timer_.advance(std::chrono::hours{25});
    EXPECT_EQ(run(catalog_->create(scope_, input)).error().code, ErrorCode::conflict);
}

TEST_F(catalog, deleting_ends_sessions_and_a_repeated_token_is_no_error) {
    const RuntimeId id = create_ready("gone");
    const Idempotency once{"token-d", "h"};
    EXPECT_TRUE(run(catalog_->remove(scope_, id, std::nullopt, once)));
    EXPECT_THAT(recorder_.deletes, ElementsAre(id.text()));
    EXPECT_EQ(recorder_.changes.back(), "!");
    EXPECT_EQ(get(id).status, Status::deleting);
    EXPECT_EQ(run(catalog_->pending_deletes()).value().size(), 1u);
    EXPECT_TRUE(run(catalog_->purge(scope_, id)));
    EXPECT_EQ(run(catalog_->get(scope_, id, std::nullopt)).error().code, ErrorCode::not_found);
    EXPECT_TRUE(run(catalog_->remove(scope_, id, std::nullopt, once)));
    EXPECT_EQ(run(catalog_->remove(scope_, id, std::nullopt, {})).error().code,
              ErrorCode::not_found);
}

TEST_F(catalog, a_build_of_something_deleted_meanwhile_changes_nothing) {
    const RuntimeId id = create("late");
    EXPECT_TRUE(run(catalog_->remove(scope_, id, std::nullopt, {})));
    build_ends(built());
    EXPECT_EQ(get(id).status, Status::deleting);
}

TEST_F(catalog, a_version_in_use_cannot_be_deleted) {
    const RuntimeId id = create_ready("versions");
    update(id, built());
    update(id, built());
    ASSERT_TRUE(
        run(catalog_->create_endpoint(scope_, {.runtime = id, .name = "pin", .version = 1})));
    EXPECT_EQ(run(catalog_->remove(scope_, id, 1, {})).error().code, ErrorCode::conflict);
    EXPECT_EQ(run(catalog_->remove(scope_, id, 3, {})).error().code, ErrorCode::conflict);
    EXPECT_TRUE(run(catalog_->remove(scope_, id, 2, {})));
    EXPECT_EQ(run(catalog_->get(scope_, id, 2)).error().code, ErrorCode::not_found);
}

TEST_F(catalog, unfinished_builds_are_found_again) {
    create("first");
    create_ready("second");
    const auto pending = run(catalog_->pending_builds()).value();
    ASSERT_EQ(pending.size(), 1u);
    EXPECT_TRUE(pending[0].id.text().starts_with("first-"));
    EXPECT_EQ(pending[0].spec.code.bucket, "bucket");
}

TEST_F(catalog, lists_are_paged_to_their_end) {
    for (int i = 0; i < 5; ++i) create("agent" + std::to_string(i));
    std::vector<std::string> seen;
    std::string token;
    do {
        const auto page = run(catalog_->list(scope_, {2, token})).value();
        EXPECT_LE(page.items.size(), 2u);
        for (const RuntimeView& view : page.items) seen.push_back(view.name);
        token = page.next_token;
    } while (!token.empty());
    EXPECT_THAT(seen, ElementsAre("agent0", "agent1", "agent2", "agent3", "agent4"));
}

TEST_F(catalog, a_page_token_of_another_list_is_refused) {
    for (int i = 0; i < 3; ++i) create("agent" + std::to_string(i));
    const std::string token = run(catalog_->list(scope_, {1, ""})).value().next_token;
    const Scope elsewhere{"000000000000", "eu-west-1"};
    EXPECT_EQ(run(catalog_->list(elsewhere, {1, token})).error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(run(catalog_->list(scope_, {1, "rubbish"})).error().code,
              ErrorCode::invalid_argument);
}

TEST_F(catalog, versions_are_listed_newest_first) {
    const RuntimeId id = create_ready("many");
    update(id, built());
    update(id, built());
    const auto first = run(catalog_->list_versions(scope_, id, {2, ""})).value();
    ASSERT_EQ(first.items.size(), 2u);
    EXPECT_EQ(first.items[0].version, 3);
    const auto rest = run(catalog_->list_versions(scope_, id, {2, first.next_token})).value();
    ASSERT_EQ(rest.items.size(), 1u);
    EXPECT_EQ(rest.items[0].version, 1);
    EXPECT_TRUE(rest.next_token.empty());
}

TEST_F(catalog, endpoints_obey_their_rules) {
    const RuntimeId id = create_ready("rules");
    auto made = run(catalog_->create_endpoint(scope_, {.runtime = id, .name = "a"}));
    ASSERT_TRUE(made);
    EXPECT_EQ(made->target_version, 1);
    const auto code = [&](auto result) { return result.error().code; };
    EXPECT_EQ(code(run(catalog_->create_endpoint(scope_, {.runtime = id, .name = "a"}))),
              ErrorCode::conflict);
    EXPECT_EQ(
        code(run(catalog_->create_endpoint(scope_, {.runtime = id, .name = "b", .version = 9}))),
        ErrorCode::not_found);
    ASSERT_TRUE(run(catalog_->create_endpoint(scope_, {.runtime = id, .name = "b"})));
    EXPECT_EQ(code(run(catalog_->create_endpoint(scope_, {.runtime = id, .name = "c"}))),
              ErrorCode::quota_exceeded);
    EXPECT_EQ(code(run(catalog_->update_endpoint(scope_, {.runtime = id, .name = "DEFAULT"}))),
              ErrorCode::conflict);
    EXPECT_EQ(code(run(catalog_->remove_endpoint(scope_, id, "DEFAULT", {}))), ErrorCode::conflict);
    EXPECT_TRUE(run(catalog_->remove_endpoint(scope_, id, "a", {})));
    EXPECT_EQ(recorder_.changes.back(), "a!");
    EXPECT_EQ(code(run(catalog_->get_endpoint(scope_, id, "a"))), ErrorCode::not_found);
    EXPECT_EQ(run(catalog_->list_endpoints(scope_, id, {})).value().items.size(), 2u);
}

TEST_F(catalog, tags_hang_on_runtimes_and_endpoints_apart) {
    NewRuntime input = named("tagged");
    input.tags = {{"team", "a"}};
    const RuntimeId id = run(catalog_->create(scope_, input)).value().id;
    build_ends(built());
    ASSERT_TRUE(run(catalog_->create_endpoint(scope_, {.runtime = id, .name = "e"})));
    EXPECT_TRUE(run(catalog_->add_tags(scope_, {id, "e"}, {{"x", "1"}})));
    EXPECT_TRUE(run(catalog_->add_tags(scope_, {id, ""}, {{"team", "b"}, {"y", "2"}})));
    EXPECT_EQ(run(catalog_->tags(scope_, {id, ""})).value(), (Tags{{"team", "b"}, {"y", "2"}}));
    EXPECT_TRUE(run(catalog_->remove_tags(scope_, {id, ""}, {"y", "absent"})));
    EXPECT_EQ(run(catalog_->tags(scope_, {id, ""})).value(), (Tags{{"team", "b"}}));
    EXPECT_EQ(run(catalog_->tags(scope_, {id, "e"})).value(), (Tags{{"x", "1"}}));
    EXPECT_EQ(run(catalog_->tags(scope_, {RuntimeId("no-such"), ""})).error().code,
              ErrorCode::not_found);
    Tags many;
    for (int i = 0; i < 51; ++i) many.emplace("k" + std::to_string(i), "v");
    EXPECT_EQ(run(catalog_->add_tags(scope_, {id, ""}, many)).error().code,
              ErrorCode::quota_exceeded);
}

}  // namespace
}  // namespace ac::runtime
