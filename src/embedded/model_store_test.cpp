#include "embedded/model_store.h"

#include <gtest/gtest.h>

#include <fstream>

#include "embedded/testing/tiny_gguf.h"

namespace ac::embedded {
namespace {

namespace fs = std::filesystem;
using embedded::testing::TinyGguf;

Result<GgufHead> parse(const std::string& text) {
    return parse_gguf({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

TEST(Gguf, head_says_what_kind_of_model_it_is) {
    const auto head = parse(TinyGguf().build());
    ASSERT_TRUE(head);
    EXPECT_EQ(head->architecture, "llama");
    EXPECT_EQ(head->name, "Tiny");
    EXPECT_TRUE(head->has_chat_template);
    EXPECT_TRUE(head->is_generative());
    EXPECT_FALSE(parse(TinyGguf{.architecture = "bert"}.build())->is_generative());
}

TEST(Gguf, a_head_that_lies_is_refused) {
    constexpr std::uint64_t kHuge = ~0ULL;
    EXPECT_FALSE(parse(""));
    EXPECT_FALSE(parse(TinyGguf{.magic = "GGML"}.build()));
    EXPECT_FALSE(parse(TinyGguf{.version = 1}.build()));
    EXPECT_FALSE(parse(TinyGguf{.tensors = 0}.build()));
    EXPECT_FALSE(parse(TinyGguf{.tensors = kHuge}.build()));
    EXPECT_FALSE(parse(TinyGguf{.tensors = 2}.build()));
    EXPECT_FALSE(parse(TinyGguf{.pairs = kHuge}.build()));
    EXPECT_FALSE(parse(TinyGguf{.architecture = ""}.build()));
    EXPECT_FALSE(parse(TinyGguf{.token_count = kHuge}.build()));
    EXPECT_FALSE(parse(TinyGguf{.rows = kHuge}.build()));
    EXPECT_FALSE(parse(TinyGguf{.rows = 0}.build()));
    EXPECT_FALSE(parse(TinyGguf{.offset = kHuge}.build()));
    EXPECT_FALSE(parse(TinyGguf{.offset = 1}.build()));
    EXPECT_FALSE(parse(TinyGguf{.name_size = kHuge}.build()));
    EXPECT_FALSE(parse(TinyGguf{.with_weights = false}.build()));
}

TEST(Gguf, one_cut_off_anywhere_is_refused) {
    const std::string whole = TinyGguf().build();
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_FALSE(parse(whole.substr(0, size))) << size;
}

class ModelStoreTest : public ::testing::Test {
  protected:
    ModelStoreTest()
        : root_(fs::temp_directory_path() / ("model-store-test-" + std::to_string(::getpid()))) {
        fs::create_directories(root_ / "installed/chat");
        write(root_ / "installed/chat/built-in.gguf", TinyGguf().build());
        write(root_ / "better.gguf", TinyGguf().build());
    }
    ~ModelStoreTest() override { fs::remove_all(root_); }

    static void write(const fs::path& path, const std::string& text) {
        std::ofstream(path, std::ios::binary) << text;
    }

    fs::path root_;
    ModelStore store_{root_ / "models", root_ / "installed"};
};

TEST_F(ModelStoreTest, installed_model_is_the_default_until_another_is_added) {
    EXPECT_EQ(store_.chosen()->name, "built-in");
    const auto added = store_.add(root_ / "better.gguf", "");
    ASSERT_TRUE(added) << added.error().message;
    EXPECT_EQ(added->sha256.size(), 64U);
    EXPECT_EQ(store_.chosen()->name, "better");
    ASSERT_TRUE(store_.set_default("built-in"));
    EXPECT_EQ(store_.chosen()->name, "built-in");
    EXPECT_EQ(store_.list()->size(), 2U);
}

TEST_F(ModelStoreTest, removing_the_default_falls_back_to_the_installed_one) {
    ASSERT_TRUE(store_.add(root_ / "better.gguf", "mine"));
    ASSERT_TRUE(store_.remove("mine"));
    EXPECT_EQ(store_.chosen()->name, "built-in");
    EXPECT_FALSE(fs::exists(root_ / "models/mine.gguf"));
    EXPECT_EQ(store_.remove("mine").error().code, ErrorCode::not_found);
    EXPECT_EQ(store_.remove("built-in").error().code, ErrorCode::invalid_argument);
}

TEST_F(ModelStoreTest, what_is_no_chat_model_is_refused_and_leaves_nothing) {
    write(root_ / "bad.gguf", TinyGguf{.tensors = 9}.build());
    write(root_ / "bert.gguf", TinyGguf{.architecture = "bert"}.build());
    EXPECT_FALSE(store_.add(root_ / "bad.gguf", ""));
    EXPECT_FALSE(store_.add(root_ / "bert.gguf", ""));
    EXPECT_FALSE(store_.add(root_ / "absent.gguf", ""));
    EXPECT_FALSE(store_.add(root_ / "better.gguf", "../escape"));
    EXPECT_TRUE(!fs::exists(root_ / "models") || fs::is_empty(root_ / "models"));
}

TEST_F(ModelStoreTest, a_name_is_taken_once) {
    ASSERT_TRUE(store_.add(root_ / "better.gguf", ""));
    EXPECT_EQ(store_.add(root_ / "better.gguf", "").error().code, ErrorCode::conflict);
    EXPECT_EQ(store_.set_default("nobody").error().code, ErrorCode::not_found);
}

TEST_F(ModelStoreTest, without_any_model_it_says_what_to_do) {
    const ModelStore empty(root_ / "other", "");
    const auto chosen = empty.chosen();
    ASSERT_FALSE(chosen);
    EXPECT_NE(chosen.error().message.find("./dev setup"), std::string::npos);
}

TEST_F(ModelStoreTest, a_damaged_registry_is_said) {
    fs::create_directories(root_ / "models");
    write(root_ / "models/registry.json", "{");
    EXPECT_EQ(store_.list().error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace ac::embedded
