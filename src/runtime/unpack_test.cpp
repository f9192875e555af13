#include "runtime/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>

#include "base/file.h"
#include "base/random.h"

namespace ac::runtime {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class unpack : public testing::Test {
  protected:
    unpack() {
        SystemRandom random;
        root_ = fs::temp_directory_path() / ("ac-unpack-" + random_alphanumeric(random, 12));
        fs::create_directories(target());
        writer_ = archive_write_new();
        archive_write_set_format_zip(writer_);
        archive_write_open_filename(writer_, file().c_str());
    }
    ~unpack() override {
        if (writer_ != nullptr) archive_write_free(writer_);
        fs::remove_all(root_);
    }
    fs::path file() const { return root_ / "a.zip"; }
    fs::path target() const { return root_ / "out"; }

    void add(const std::string& name, const std::string& text, unsigned type = AE_IFREG,
             unsigned mode = 0644, const std::function<void(archive_entry*)>& change = {}) {
        archive_entry* entry = archive_entry_new();
        archive_entry_set_pathname(entry, name.c_str());
        archive_entry_set_filetype(entry, type);
        archive_entry_set_perm(entry, mode);
        archive_entry_set_size(entry, static_cast<la_int64_t>(text.size()));
        if (change) change(entry);
        archive_write_header(writer_, entry);
        archive_write_data(writer_, text.data(), text.size());
        archive_entry_free(entry);
    }
    Result<Unpacked> open() {
        archive_write_close(writer_);
        archive_write_free(writer_);
        writer_ = nullptr;
        return unpack_zip(file(), target(), limits_);
    }
    std::string refusal() {
        const auto result = open();
        EXPECT_FALSE(result);
        EXPECT_FALSE(fs::exists(root_ / "evil"));
        return result ? "" : result.error().message;
    }

    fs::path root_;
    archive* writer_ = nullptr;
    RuntimeLimits limits_;
};

TEST_F(unpack, files_come_out_with_their_contents_and_modes) {
    add("agent.py", "print(1)\n");
    add("pkg/sub/run.sh", "#!/bin/sh\n", AE_IFREG, 0755);
    add("empty/", "", AE_IFDIR);
    const auto unpacked = open();
    ASSERT_TRUE(unpacked) << unpacked.error().message;
    EXPECT_EQ(unpacked->files, 2u);
    EXPECT_EQ(read_file(target() / "agent.py", 100).value(), "print(1)\n");
    EXPECT_NE(fs::status(target() / "pkg/sub/run.sh").permissions() & fs::perms::others_exec,
              fs::perms::none);
    EXPECT_TRUE(fs::is_directory(target() / "empty"));
}

TEST_F(unpack, an_entry_that_climbs_out_refuses_the_archive) {
    add("../evil", "x");
    EXPECT_THAT(refusal(), HasSubstr("climbs"));
}

TEST_F(unpack, an_entry_that_climbs_in_the_middle_refuses_the_archive) {
    add("a/../../evil", "x");
    EXPECT_THAT(refusal(), HasSubstr("climbs"));
}

TEST_F(unpack, an_absolute_path_refuses_the_archive) {
    add("/tmp/evil", "x");
    EXPECT_THAT(refusal(), HasSubstr("absolute"));
}

TEST_F(unpack, a_symbolic_link_refuses_the_archive) {
    add("link", "", AE_IFLNK, 0777,
        [](archive_entry* entry) { archive_entry_set_symlink(entry, "/etc/passwd"); });
    EXPECT_THAT(refusal(), HasSubstr("link"));
}

TEST_F(unpack, a_file_that_appears_twice_refuses_the_archive) {
    add("agent.py", "1");
    add("./agent.py", "2");
    EXPECT_THAT(refusal(), HasSubstr("twice"));
}

TEST_F(unpack, a_file_below_a_file_refuses_the_archive) {
    add("agent", "1");
    add("agent/x.py", "2");
    EXPECT_THAT(refusal(), HasSubstr("inside a file"));
}

TEST_F(unpack, names_that_differ_in_case_are_different_files) {
    add("Agent.py", "1");
    add("agent.py", "2");
    EXPECT_EQ(open().value().files, 2u);
    EXPECT_EQ(read_file(target() / "Agent.py", 10).value(), "1");
}

TEST_F(unpack, more_files_than_allowed_are_refused) {
    limits_.unpacked_files_max = 10;
    for (int i = 0; i < 11; ++i) add("f" + std::to_string(i), "x");
    EXPECT_THAT(refusal(), HasSubstr("more than 10"));
}

TEST_F(unpack, more_bytes_than_allowed_are_refused) {
    limits_.unpacked_bytes_max = 1 << 20;
    add("big", std::string((1 << 20) + 1, 'x'));
    EXPECT_THAT(refusal(), HasSubstr("unpacks to more than"));
}

TEST_F(unpack, a_bomb_is_refused_long_before_its_full_size) {
    const std::string zeros(8 << 20, '\0');
    for (int i = 0; i < 8; ++i) add("z" + std::to_string(i), zeros);
    EXPECT_THAT(refusal(), HasSubstr("times its size"));
}

TEST_F(unpack, a_large_archive_is_refused_unread) {
    limits_.archive_bytes_max = 10;
    add("agent.py", "print(1)\n");
    EXPECT_THAT(refusal(), HasSubstr("larger than"));
}

TEST_F(unpack, an_empty_archive_is_refused) {
    EXPECT_THAT(refusal(), HasSubstr("empty"));
}

TEST_F(unpack, what_is_no_zip_is_refused) {
    add("x", "y");
    EXPECT_TRUE(open());
    std::ofstream(file(), std::ios::trunc) << "hello, I am a text";
    const auto result = unpack_zip(file(), target(), limits_);
    ASSERT_FALSE(result);
    EXPECT_THAT(result.error().message, HasSubstr("not a zip"));
}

TEST_F(unpack, a_truncated_archive_is_refused) {
    std::string text;
    for (int i = 0; i < 10'000; ++i) text += std::to_string(i * 7919);
    add("agent.py", text);
    EXPECT_TRUE(open());
    fs::resize_file(file(), fs::file_size(file()) / 2);
    fs::remove_all(target());
    fs::create_directories(target());
    EXPECT_FALSE(unpack_zip(file(), target(), limits_));
}

TEST(entry_path, takes_ordinary_names_and_refuses_tricks) {
    const RuntimeLimits limits;
    EXPECT_EQ(entry_path("./a//b/./c.py", limits).value(), "a/b/c.py");
    EXPECT_EQ(entry_path("a/", limits).value(), "a");
    EXPECT_EQ(entry_path("..a/b..", limits).value(), "..a/b..");
    EXPECT_EQ(entry_path("./", limits).value(), "");
    for (const std::string_view bad : {"", "/a", "..", "a/..", "a\\..\\b", "C:/x", "a\nb",
                                       "a\xff"
                                       "b"})
        EXPECT_FALSE(entry_path(bad, limits)) << bad;
    EXPECT_FALSE(entry_path(std::string(300, 'x'), limits));
    EXPECT_FALSE(entry_path(std::string(600, 'x'), limits));
    std::string deep;
    for (int i = 0; i < 70; ++i) deep += "d/";
    EXPECT_FALSE(entry_path(deep, limits));
    EXPECT_FALSE(entry_path(std::string_view("a\0b", 3), limits));
}

TEST_F(unpack, the_beginning_of_one_entry_is_read_without_the_rest) {
    add("other", "no");
    add("./bin//agent",
        "\x7f"
        "ELF and more");
    add("folder/", "", AE_IFDIR, 0755);
    archive_write_close(writer_);
    EXPECT_EQ(head_of_entry(file(), "bin/agent", 4, {}),
              "\x7f"
              "ELF");
    EXPECT_EQ(head_of_entry(file(), "bin/agent", 100, {}).size(), 13U);
    EXPECT_EQ(head_of_entry(file(), "folder", 4, {}), "");
    EXPECT_EQ(head_of_entry(file(), "agent", 4, {}), "");
    EXPECT_EQ(head_of_entry(root_ / "none", "agent", 4, {}), "");
    EXPECT_TRUE(write_file(root_ / "no.zip", "PK\3\4 and nonsense"));
    EXPECT_EQ(head_of_entry(root_ / "no.zip", "agent", 4, {}), "");
}

}  // namespace
}  // namespace ac::runtime
