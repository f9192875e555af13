#include "objects/object_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "crypto/hash.h"
#include "objects/limits.h"
#include "objects/rules.h"
#include "storage/testing/postgres_cluster.h"
#include "storage/testing/temporary_folder.h"
#include "storage/testing/together.h"

namespace ac::objects {
namespace {

using storage::testing::run_together;

enum class Backend { sqlite, postgres };

// One server for the program; each test has a database of its own.
Result<std::unique_ptr<storage::Database>> open_postgres_database() {
    static auto cluster = storage::testing::PostgresCluster::start();
    if (!cluster) return std::unexpected(cluster.error());
    AC_TRY(std::string conninfo, (*cluster)->create_database());
    return storage::open_postgres({.conninfo = std::move(conninfo), .connections = 4});
}

class ObjectStoreTest : public ::testing::TestWithParam<Backend> {
  protected:
    void SetUp() override {
        auto opened = GetParam() == Backend::sqlite
                          ? storage::open_sqlite({.path = (folder_.path() / "db").string()})
                          : open_postgres_database();
        ASSERT_TRUE(opened) << opened.error().message;
        database_ = *std::move(opened);
        blobs_ = storage::open_blob_store(folder_.path() / "blobs", pool_).value();
        store_ = std::make_unique<ObjectStore>(ObjectStoreParts{
            .database = *database_, .blobs = *blobs_, .clock = clock_, .random = random_});
        ASSERT_TRUE(run_on(loop_, store_->start()));
        ASSERT_TRUE(run_on(loop_, store_->create_bucket(scope_, "bucket")));
    }

    Task<ObjectInfo> put(std::string key, std::string bytes, PutOptions options = {}) {
        AC_CO_TRY(auto writer, co_await store_->begin());
        AC_CO_CHECK(co_await writer->write(bytes));
        ObjectKey name{"bucket", std::move(key)};
        co_return co_await store_->put(scope_, std::move(name), std::move(options),
                                       std::move(writer));
    }
    Task<Part> put_part(UploadKey upload, int number, std::string bytes) {
        AC_CO_TRY(auto writer, co_await store_->begin());
        AC_CO_CHECK(co_await writer->write(bytes));
        co_return co_await store_->put_part(scope_, std::move(upload), number, std::move(writer));
    }
    Task<std::string> get(std::string key) {
        ObjectKey name{"bucket", std::move(key)};
        AC_CO_TRY(const OpenObject object, co_await store_->open(scope_, std::move(name)));
        std::string bytes(object.info.size, '\0');
        AC_CO_CHECK(co_await object.reader->read_at(0, bytes));
        co_return bytes;
    }
    ListPage list(ListOptions options) {
        return run_on(loop_, store_->list(scope_, "bucket", std::move(options))).value();
    }
    std::vector<std::string> keys(ListOptions options) {
        std::vector<std::string> names;
        for (const ObjectInfo& object : list(std::move(options)).objects)
            names.push_back(object.key);
        return names;
    }
    std::size_t blob_files() {
        std::size_t count = 0;
        for (int byte = 0; byte < 256; ++byte)
            count += run_on(loop_, blobs_->list(static_cast<std::uint8_t>(byte)))->size();
        return count;
    }
    template <class T>
    static std::string reason_of(const Result<T>& result) {
        return result ? "succeeded" : result.error().reason;
    }

    Loop loop_;
    ThreadPool pool_{2};
    storage::testing::TemporaryFolder folder_;
    ManualClock clock_;
    SeededRandom random_{1};
    Scope scope_{"000000000000", "us-west-2"};
    std::unique_ptr<storage::Database> database_;
    std::unique_ptr<storage::BlobStore> blobs_;
    std::unique_ptr<ObjectStore> store_;
};

INSTANTIATE_TEST_SUITE_P(backends, ObjectStoreTest,
                         ::testing::Values(Backend::sqlite, Backend::postgres), [](auto& info) {
                             return info.param == Backend::sqlite ? "sqlite" : "postgres";
                         });

TEST_P(ObjectStoreTest, a_bucket_belongs_to_the_account_that_made_it) {
    const Scope other{"111111111111", "us-west-2"};
    EXPECT_EQ(reason_of(run_on(loop_, store_->create_bucket(scope_, "bucket"))),
              reason::kBucketAlreadyOwnedByYou);
    EXPECT_EQ(reason_of(run_on(loop_, store_->create_bucket(other, "bucket"))),
              reason::kBucketAlreadyExists);
    EXPECT_EQ(reason_of(run_on(loop_, store_->find_bucket(other, "bucket"))),
              reason::kAccessDenied);
    EXPECT_EQ(reason_of(run_on(loop_, store_->find(other, {"bucket", "x"}))),
              reason::kAccessDenied);
    EXPECT_EQ(run_on(loop_, store_->list_buckets(scope_))->size(), 1u);
    EXPECT_EQ(run_on(loop_, store_->list_buckets(other))->size(), 0u);
    EXPECT_EQ(reason_of(run_on(loop_, store_->find_bucket(scope_, "absent"))),
              reason::kNoSuchBucket);
}

TEST_P(ObjectStoreTest, bucket_names_follow_the_rules_of_s3) {
    for (const char* name : {"abc", "a-b.c", "0aa", "bedrock-agentcore-codebuild-sources-1-us"})
        EXPECT_TRUE(rules::check_bucket_name(name)) << name;
    for (const char* name : {"", "ab", "Abc", "a..b", "-ab", "ab-", "1.2.3.4", "a_b", "xn--abc"})
        EXPECT_FALSE(rules::check_bucket_name(name)) << name;
    EXPECT_FALSE(rules::check_bucket_name(std::string(64, 'a')));
}

TEST_P(ObjectStoreTest, a_bucket_goes_only_when_it_is_empty) {
    ASSERT_TRUE(run_on(loop_, put("key", "bytes")));
    EXPECT_EQ(reason_of(run_on(loop_, store_->delete_bucket(scope_, "bucket"))),
              reason::kBucketNotEmpty);
    ASSERT_TRUE(run_on(loop_, store_->remove(scope_, {"bucket", "key"})));
    ASSERT_TRUE(run_on(loop_, store_->delete_bucket(scope_, "bucket")));
    EXPECT_EQ(reason_of(run_on(loop_, store_->find_bucket(scope_, "bucket"))),
              reason::kNoSuchBucket);
}

TEST_P(ObjectStoreTest, an_object_comes_back_with_its_attributes) {
    const PutOptions options{
        .attributes = {{"content-type", "text/plain"}, {"x-amz-meta-name", "grüße \"q\""}}};
    ASSERT_TRUE(run_on(loop_, put("a/b", "hello", options)));
    EXPECT_EQ(run_on(loop_, get("a/b")).value(), "hello");
    const auto info = run_on(loop_, store_->find(scope_, {"bucket", "a/b"}));
    EXPECT_EQ(info->etag, md5_hex("hello"));
    EXPECT_EQ(info->size, 5u);
    EXPECT_EQ(info->attributes, options.attributes);
    EXPECT_EQ(info->modified, clock_.wall());
}

TEST_P(ObjectStoreTest, keys_and_metadata_have_bounds) {
    EXPECT_EQ(reason_of(run_on(loop_, put(std::string(1025, 'k'), ""))), reason::kKeyTooLong);
    EXPECT_EQ(reason_of(run_on(loop_, put("\xff", ""))), reason::kInvalidArgument);
    const PutOptions large{.attributes = {{"x-amz-meta-a", std::string(2048, 'x')}}};
    EXPECT_EQ(reason_of(run_on(loop_, put("key", "", large))), reason::kMetadataTooLarge);
    EXPECT_EQ(blob_files(), 0u);
}

TEST_P(ObjectStoreTest, overwriting_can_be_forbidden) {
    const PutOptions once{.overwrite = Overwrite::forbidden};
    ASSERT_TRUE(run_on(loop_, put("key", "one", once)));
    EXPECT_EQ(reason_of(run_on(loop_, put("key", "two", once))), reason::kPreconditionFailed);
    EXPECT_EQ(run_on(loop_, get("key")).value(), "one");
    EXPECT_EQ(blob_files(), 1u);
}

TEST_P(ObjectStoreTest, a_blob_lives_as_long_as_an_object_holds_it) {
    ASSERT_TRUE(run_on(loop_, put("a", "same")));
    ASSERT_TRUE(run_on(loop_, put("b", "same")));
    ASSERT_TRUE(
        run_on(loop_, store_->copy(scope_, {"bucket", "a"}, {"bucket", "c"}, std::nullopt)));
    EXPECT_EQ(blob_files(), 1u);
    ASSERT_TRUE(run_on(loop_, put("a", "other")));
    ASSERT_TRUE(run_on(loop_, put("a", "other")));
    EXPECT_EQ(blob_files(), 2u);
    ASSERT_TRUE(run_on(loop_, store_->remove(scope_, {"bucket", "b"})));
    EXPECT_EQ(run_on(loop_, get("c")).value(), "same");
    ASSERT_TRUE(run_on(loop_, store_->remove(scope_, {"bucket", "c"})));
    ASSERT_TRUE(run_on(loop_, store_->remove(scope_, {"bucket", "c"})));
    EXPECT_EQ(blob_files(), 1u);
}

TEST_P(ObjectStoreTest, an_object_that_is_deleted_while_read_is_read_to_its_end) {
    ASSERT_TRUE(run_on(loop_, put("key", "bytes")));
    const auto object = run_on(loop_, store_->open(scope_, {"bucket", "key"}));
    ASSERT_TRUE(run_on(loop_, store_->remove(scope_, {"bucket", "key"})));
    std::string bytes(5, '\0');
    ASSERT_TRUE(run_on(loop_, object->reader->read_at(0, bytes)));
    EXPECT_EQ(bytes, "bytes");
}

// Writers and deleters of the same few contents: at the end every object that has a row has its
// bytes, and nothing else is left.
TEST_P(ObjectStoreTest, collection_and_storing_of_equal_contents_do_not_race) {
    // On PostgreSQL all of these conflict with one another: fewer of them, or they time out.
    const bool postgres = GetParam() == Backend::postgres;
    const int rounds = postgres ? 8 : 20;
    const auto client = [&](int i) -> Detached {
        for (int n = 0; n < rounds; ++n) {
            const std::string key = "key " + std::to_string((i + n) % 6);
            if ((i + n) % 3 == 0) {
                ObjectKey name{"bucket", key};
                EXPECT_TRUE(co_await store_->remove(scope_, std::move(name)));
            } else {
                const auto stored = co_await put(key, "content " + std::to_string(n % 3));
                EXPECT_TRUE(stored) << stored.error().message;
            }
        }
    };
    run_together(loop_, postgres ? 6 : 24, client);
    std::set<std::string> contents;
    for (const std::string& key : keys({})) {
        const auto bytes = run_on(loop_, get(key));
        ASSERT_TRUE(bytes) << bytes.error().message;
        contents.insert(*bytes);
    }
    EXPECT_EQ(blob_files(), contents.size());
}

Task<storage::BlobInfo> orphan(storage::BlobStore& blobs) {
    AC_CO_TRY(const auto writer, co_await blobs.create());
    const std::string bytes = "orphan";
    AC_CO_CHECK(co_await writer->write(bytes));
    co_return co_await writer->commit();
}

TEST_P(ObjectStoreTest, a_sweep_removes_what_a_crash_left_and_nothing_else) {
    ASSERT_TRUE(run_on(loop_, put("key", "kept")));
    ASSERT_TRUE(run_on(loop_, orphan(*blobs_)));
    EXPECT_EQ(run_on(loop_, store_->sweep()).value(), 1u);
    EXPECT_EQ(run_on(loop_, store_->sweep()).value(), 0u);
    EXPECT_EQ(run_on(loop_, get("key")).value(), "kept");
}

TEST_P(ObjectStoreTest, a_sweep_with_an_empty_database_removes_nothing) {
    ASSERT_TRUE(run_on(loop_, store_->delete_bucket(scope_, "bucket")));
    ASSERT_TRUE(run_on(loop_, orphan(*blobs_)));
    EXPECT_EQ(run_on(loop_, store_->sweep()).error().code, ErrorCode::conflict);
    EXPECT_EQ(blob_files(), 1u);
}

TEST_P(ObjectStoreTest, listing_is_in_byte_order_with_prefix_and_start) {
    for (const char* key : {"b", "a/2", "a/1", "B", "\xc3\xa4", "a"})
        ASSERT_TRUE(run_on(loop_, put(key, "")));
    using Keys = std::vector<std::string>;
    EXPECT_EQ(keys({}), (Keys{"B", "a", "a/1", "a/2", "b", "\xc3\xa4"}));
    EXPECT_EQ(keys({.prefix = "a"}), (Keys{"a", "a/1", "a/2"}));
    EXPECT_EQ(keys({.prefix = "a", .start_after = "a"}), (Keys{"a/1", "a/2"}));
    EXPECT_EQ(keys({.start_after = "a/1"}), (Keys{"a/2", "b", "\xc3\xa4"}));
    EXPECT_EQ(keys({.prefix = "zz"}), Keys{});
    EXPECT_EQ(keys({.keys_max = 0}), Keys{});
}

TEST_P(ObjectStoreTest, pages_cover_every_key_and_common_prefix_once) {
    for (int i = 0; i < 30; ++i) {
        std::string key = std::to_string(i % 5);
        key += i % 2 == 0 ? "/" : "-";
        ASSERT_TRUE(run_on(loop_, put(key + std::to_string(i), "")));
    }
    for (const std::size_t keys_max : {1, 2, 3, 7, 100}) {
        std::vector<std::string> entries;
        ListOptions options{.delimiter = "/", .keys_max = keys_max};
        ListPage page;
        do {
            page = list(options);
            EXPECT_LE(page.objects.size() + page.common_prefixes.size(), keys_max);
            for (const auto& object : page.objects) entries.push_back(object.key);
            entries.insert(entries.end(), page.common_prefixes.begin(), page.common_prefixes.end());
            options.token = page.next_token;
        } while (page.truncated);
        std::ranges::sort(entries);
        EXPECT_EQ(entries.size(), 15u + 5u) << keys_max;
        EXPECT_EQ(std::ranges::unique(entries).size(), 0u);
    }
}

TEST_P(ObjectStoreTest, a_marker_that_is_a_common_prefix_skips_what_is_under_it) {
    for (const char* key : {"a/1", "a/2", "b"}) ASSERT_TRUE(run_on(loop_, put(key, "")));
    const ListPage page = list({.delimiter = "/", .start_after = "a/"});
    EXPECT_TRUE(page.common_prefixes.empty());
    ASSERT_EQ(page.objects.size(), 1u);
    EXPECT_EQ(page.objects[0].key, "b");
}

TEST_P(ObjectStoreTest, a_wrong_continuation_token_is_refused) {
    EXPECT_EQ(reason_of(run_on(loop_, store_->list(scope_, "bucket", {.token = "%%%"}))),
              reason::kInvalidArgument);
}

TEST_P(ObjectStoreTest, parts_become_one_object) {
    const Attributes attributes = {{"content-type", "application/zip"}};
    const auto id = run_on(loop_, store_->create_upload(scope_, {"bucket", "big"}, attributes));
    const UploadKey upload{"bucket", "big", *id};
    const std::string first(kPartBytesMin, 'a');
    ASSERT_TRUE(run_on(loop_, put_part(upload, 2, "end")));
    ASSERT_TRUE(run_on(loop_, put_part(upload, 1, "replaced")));
    ASSERT_TRUE(run_on(loop_, put_part(upload, 1, first)));
    EXPECT_EQ(run_on(loop_, store_->list_parts(scope_, upload, 0, 10))->parts.size(), 2u);
    EXPECT_TRUE(run_on(loop_, store_->list_parts(scope_, upload, 0, 1))->truncated);

    const std::vector<PartChoice> choices = {{1, md5_hex(first)}, {2, md5_hex("end")}};
    const auto object = run_on(loop_, store_->complete_upload(scope_, upload, choices));
    ASSERT_TRUE(object) << object.error().message;
    EXPECT_EQ(object->etag, rules::multipart_etag({md5_hex(first), md5_hex("end")}));
    EXPECT_TRUE(object->etag.ends_with("-2"));
    EXPECT_TRUE(run_on(loop_, get("big")).value() == first + "end");
    EXPECT_EQ(run_on(loop_, store_->find(scope_, {"bucket", "big"}))->attributes, attributes);
    EXPECT_EQ(blob_files(), 1u);
    EXPECT_EQ(reason_of(run_on(loop_, store_->complete_upload(scope_, upload, choices))),
              reason::kNoSuchUpload);
}

TEST_P(ObjectStoreTest, what_is_wrong_with_the_list_of_parts_is_said) {
    const auto id = run_on(loop_, store_->create_upload(scope_, {"bucket", "big"}, {}));
    const UploadKey upload{"bucket", "big", *id};
    for (int number : {1, 2}) ASSERT_TRUE(run_on(loop_, put_part(upload, number, "small")));
    const auto complete = [&](std::vector<PartChoice> choices) {
        return reason_of(run_on(loop_, store_->complete_upload(scope_, upload, choices)));
    };
    const std::string etag = md5_hex("small");
    EXPECT_EQ(complete({{2, etag}, {1, etag}}), reason::kInvalidPartOrder);
    EXPECT_EQ(complete({{1, etag}, {3, etag}}), reason::kInvalidPart);
    EXPECT_EQ(complete({{1, md5_hex("else")}}), reason::kInvalidPart);
    EXPECT_EQ(complete({{1, etag}, {2, etag}}), reason::kEntityTooSmall);
    EXPECT_EQ(complete({}), reason::kInvalidPart);
    EXPECT_EQ(reason_of(run_on(loop_, put_part(upload, 10'001, ""))), reason::kInvalidArgument);
    EXPECT_EQ(reason_of(run_on(loop_, put_part({"bucket", "big", "none"}, 1, "x"))),
              reason::kNoSuchUpload);
    EXPECT_EQ(run_on(loop_, store_->list_uploads(scope_, "bucket", "b"))->size(), 1u);
    ASSERT_TRUE(run_on(loop_, store_->abort_upload(scope_, upload)));
    EXPECT_EQ(run_on(loop_, store_->list_uploads(scope_, "bucket", ""))->size(), 0u);
    EXPECT_EQ(blob_files(), 0u);
}

TEST_P(ObjectStoreTest, documents_are_kept_with_the_bucket_and_go_with_it) {
    EXPECT_EQ(run_on(loop_, store_->find_document(scope_, "bucket", "lifecycle")).value(),
              std::nullopt);
    ASSERT_TRUE(run_on(loop_, store_->put_document(scope_, "bucket", "lifecycle", "<a/>")));
    EXPECT_EQ(run_on(loop_, store_->find_document(scope_, "bucket", "lifecycle")).value(), "<a/>");
    ASSERT_TRUE(run_on(loop_, store_->delete_bucket(scope_, "bucket")));
    ASSERT_TRUE(run_on(loop_, store_->create_bucket(scope_, "bucket")));
    EXPECT_EQ(run_on(loop_, store_->find_document(scope_, "bucket", "lifecycle")).value(),
              std::nullopt);
}

TEST(rules, after_prefix_is_above_everything_under_it) {
    EXPECT_EQ(rules::after_prefix("a"), "b");
    EXPECT_EQ(rules::after_prefix("a\xff"), "b");
    EXPECT_EQ(rules::after_prefix("\xff\xff"), "");
    EXPECT_EQ(rules::after_prefix(""), "");
}

TEST(rules, a_cursor_survives_its_token) {
    for (const rules::Cursor& cursor :
         {rules::Cursor{"key", true}, rules::Cursor{"", false}, rules::Cursor{"\xff/", false}}) {
        const auto back = rules::from_token(rules::to_token(cursor));
        ASSERT_TRUE(back);
        EXPECT_EQ(back->from, cursor.from);
        EXPECT_EQ(back->exclusive, cursor.exclusive);
    }
    EXPECT_FALSE(rules::from_token(""));
}

}  // namespace
}  // namespace ac::objects
