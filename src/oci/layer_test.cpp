#include "oci/layer.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "base/random.h"
#include "crypto/hash.h"
#include "oci/tree.h"

namespace ac::oci {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct Entry {
    std::string name;
    std::string text;
    unsigned type = AE_IFREG;
    unsigned mode = 0644;
    std::string link;  // of a symbolic link
    std::string hard;  // of a hard link
};

std::string tar_of(const std::vector<Entry>& entries, bool gzip = false) {
    std::string out(8 << 20, '\0');
    std::size_t used = 0;
    archive* writer = archive_write_new();
    archive_write_set_format_pax_restricted(writer);
    if (gzip) archive_write_add_filter_gzip(writer);
    archive_write_open_memory(writer, out.data(), out.size(), &used);
    for (const Entry& one : entries) {
        archive_entry* entry = archive_entry_new();
        archive_entry_set_pathname(entry, one.name.c_str());
        archive_entry_set_filetype(entry, one.type);
        archive_entry_set_perm(entry, one.mode);
        archive_entry_set_size(entry, static_cast<la_int64_t>(one.text.size()));
        if (!one.link.empty()) archive_entry_set_symlink(entry, one.link.c_str());
        if (!one.hard.empty()) archive_entry_set_hardlink(entry, one.hard.c_str());
        archive_write_header(writer, entry);
        archive_write_data(writer, one.text.data(), one.text.size());
        archive_entry_free(entry);
    }
    archive_write_close(writer);
    archive_write_free(writer);
    out.resize(used);
    return out;
}

class Layers : public testing::Test {
  protected:
    Layers() {
        SystemRandom random;
        folder_ = fs::temp_directory_path() / ("ac-layer-" + random_alphanumeric(random, 12));
        fs::create_directories(root());
    }
    ~Layers() override { fs::remove_all(folder_); }

    fs::path root() const { return folder_ / "root"; }
    Result<> apply_bytes(const std::string& bytes, const std::string& diff_id = "") {
        std::ofstream(folder_ / "layer.tar", std::ios::binary) << bytes;
        const UniqueFd file(::open((folder_ / "layer.tar").c_str(), O_RDONLY | O_CLOEXEC));
        return apply_layer(file, root(), diff_id, limits_, unpacked_);
    }
    Result<> apply(const std::vector<Entry>& entries) { return apply_bytes(tar_of(entries)); }
    std::string refusal(const std::vector<Entry>& entries) {
        const auto result = apply(entries);
        EXPECT_FALSE(result);
        EXPECT_FALSE(fs::exists(folder_ / "evil"));
        return result ? "" : result.error().message;
    }
    std::string text(const std::string& path) {
        std::ifstream in(root() / path);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    fs::path folder_;
    UnpackLimits limits_;
    Unpacked unpacked_;
};

TEST_F(Layers, later_layers_replace_and_remove) {
    ASSERT_TRUE(apply({{"app/", "", AE_IFDIR, 0755}, {"app/a", "1"}, {"app/b", "2"}, {"c", "3"}}));
    ASSERT_TRUE(apply({{"app/a", "one"}, {"app/.wh.b", ""}, {".wh.c", ""}, {".wh.never", ""}}));
    EXPECT_EQ(text("app/a"), "one");
    EXPECT_FALSE(fs::exists(root() / "app/b"));
    EXPECT_FALSE(fs::exists(root() / "c"));
    EXPECT_EQ(unpacked_.files, 8U);
}

TEST_F(Layers, an_opaque_folder_keeps_what_its_own_layer_brought) {
    ASSERT_TRUE(apply({{"d/old", "1"}, {"d/sub/old", "1"}}));
    ASSERT_TRUE(apply({{"d/new", "2"}, {"d/sub/new", "2"}, {"d/.wh..wh..opq", ""}}));
    EXPECT_FALSE(fs::exists(root() / "d/old"));
    EXPECT_FALSE(fs::exists(root() / "d/sub/old"));
    EXPECT_EQ(text("d/new") + text("d/sub/new"), "22");
}

TEST_F(Layers, compressed_layers_are_checked_by_their_content) {
    const std::vector<Entry> entries{{"a", "1"}};
    const std::string id = "sha256:" + sha256_hex(tar_of(entries));
    EXPECT_TRUE(apply_bytes(tar_of(entries, true), id));
    const auto wrong = apply_bytes(tar_of({{"a", "2"}}, true), id);
    ASSERT_FALSE(wrong);
    EXPECT_THAT(wrong.error().message, HasSubstr("configuration says " + id));
}

TEST_F(Layers, links_lead_where_they_would_in_the_guest) {
    ASSERT_TRUE(apply({{"usr/lib/x", "1"},
                       {"lib", "", AE_IFLNK, 0777, "usr/lib"},
                       {"abs", "", AE_IFLNK, 0777, "/usr/lib"}}));
    ASSERT_TRUE(apply({{"lib/y", "2"}, {"abs/z", "3"}, {"lib/", "", AE_IFDIR, 0755}}));
    EXPECT_TRUE(fs::is_symlink(root() / "lib"));
    EXPECT_EQ(text("usr/lib/y") + text("usr/lib/z"), "23");
}

TEST_F(Layers, no_link_leads_out) {
    std::ofstream(folder_ / "outside") << "mine";
    ASSERT_TRUE(apply({{"up", "", AE_IFLNK, 0777, "../../../../../../../../" + folder_.string()},
                       {"top", "", AE_IFLNK, 0777, folder_.string()}}));
    EXPECT_TRUE(apply({{"new", "", AE_IFLNK, 0777, "../evil"}, {"new", "x"}}));
    EXPECT_FALSE(fs::exists(folder_ / "evil"));
    EXPECT_EQ(text("new"), "x");  // the link was replaced, not followed
    // Resolved inside, where nothing is: refused or made inside, never outside.
    (void)apply({{"up/evil", "x"}});
    (void)apply({{"top/evil", "x"}});
    (void)apply({{"top/.wh.outside", ""}});
    (void)apply({{"taken", "", AE_IFREG, 0644, "", "top/outside"}});
    EXPECT_FALSE(fs::exists(folder_ / "evil"));
    EXPECT_TRUE(fs::exists(folder_ / "outside"));
    EXPECT_FALSE(fs::exists(root() / "taken"));
}

TEST_F(Layers, hostile_names_are_refused) {
    EXPECT_THAT(refusal({{"../evil", "x"}}), HasSubstr("climbs"));
    EXPECT_THAT(refusal({{"a/../../evil", "x"}}), HasSubstr("climbs"));
    EXPECT_THAT(refusal({{std::string(300, 'n'), "x"}}), HasSubstr("too long"));
    EXPECT_THAT(refusal({{"a/.wh.", ""}}), HasSubstr("whiteout"));
    EXPECT_THAT(refusal({{"a/.wh...", ""}}), HasSubstr("whiteout"));
    EXPECT_THAT(refusal({{"h", "", AE_IFREG, 0644, "", "../outside"}}), HasSubstr("climbs"));
    EXPECT_THAT(refusal({{"h", "", AE_IFREG, 0644, "", "nowhere"}}), HasSubstr("hard link"));
    std::string deep;
    for (int i = 0; i < 200; ++i) deep += "d/";
    EXPECT_THAT(refusal({{deep + "f", "x"}}), HasSubstr("too deep"));
}

TEST_F(Layers, absolute_names_start_at_the_images_root) {
    ASSERT_TRUE(apply({{"/etc/motd", "hi"}}));
    EXPECT_EQ(text("etc/motd"), "hi");
}

TEST_F(Layers, what_a_guest_has_no_use_for_is_left_out) {
    ASSERT_TRUE(
        apply({{"dev/null", "", AE_IFCHR, 0666}, {"pipe", "", AE_IFIFO, 0644}, {"f", "1"}}));
    EXPECT_EQ(unpacked_.left_out, 2U);
    EXPECT_FALSE(fs::exists(root() / "pipe"));
    ASSERT_TRUE(apply({{"su", "1", AE_IFREG, 06755}, {"secret", "1", AE_IFREG, 0600}}));
    struct stat info{};
    ASSERT_EQ(::stat((root() / "su").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0755U);
    ASSERT_EQ(::stat((root() / "secret").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0644U);
}

TEST_F(Layers, hard_links_share_a_file) {
    ASSERT_TRUE(apply({{"a", "1"}, {"b", "", AE_IFREG, 0644, "", "a"}}));
    EXPECT_EQ(fs::hard_link_count(root() / "a"), 2U);
    ASSERT_TRUE(apply({{"a", "", AE_IFREG, 0644, "", "b"}}));
    EXPECT_EQ(text("a"), "1");
}

TEST_F(Layers, files_and_folders_take_each_others_place) {
    ASSERT_TRUE(apply({{"x/deep/er", "1"}, {"y", "1"}}));
    ASSERT_TRUE(apply({{"x", "file"}, {"y/", "", AE_IFDIR, 0755}, {"y/z", "2"}}));
    EXPECT_EQ(text("x") + text("y/z"), "file2");
}

TEST_F(Layers, bombs_are_bounded) {
    limits_.bytes_max = 1 << 20;
    EXPECT_EQ(apply_bytes(tar_of({{"zeros", std::string(2 << 20, '\0')}}, true)).error().code,
              ErrorCode::too_large);
    limits_ = {.bytes_max = 1 << 20, .files_max = 3};
    EXPECT_EQ(apply({{"a", ""}, {"b", ""}, {"c", ""}, {"d", ""}}).error().code,
              ErrorCode::too_large);
}

TEST_F(Layers, damage_is_told) {
    const std::string good = tar_of({{"a", std::string(5000, 'x')}}, true);
    for (const std::size_t size : {std::size_t{1}, good.size() / 2}) {
        const auto result = apply_bytes(good.substr(0, size), "sha256:" + std::string(64, '0'));
        EXPECT_FALSE(result);
    }
    EXPECT_FALSE(apply_bytes("this is no tar at all, whatever its name may say"));
}

TEST(NormalPath, has_one_form) {
    EXPECT_EQ(*normal_path("/a//./b/"), "a/b");
    EXPECT_EQ(*normal_path("./"), "");
    EXPECT_FALSE(normal_path("a/.."));
    EXPECT_EQ(*normal_path("a/..b/c.."), "a/..b/c..");
}

}  // namespace
}  // namespace ac::oci
