#include "cli/package/source_archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/package/ignore_rules.h"
#include "cli/test_support.h"

namespace ac::cli {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> names(const SourceTree& tree) {
    std::vector<std::string> out;
    for (const auto& file : tree.files) out.push_back(file.name);
    return out;
}

void fill(const TemporaryFolder& folder) {
    folder.write("agent.py", "print('hi')\n");
    folder.write("lib/tool.py", "x = 1\n");
    folder.write("requirements.txt", "bedrock-agentcore\n");
}

std::string hash_of(const TemporaryFolder& folder) {
    auto tree = collect_sources(folder.path(), "agent.py");
    EXPECT_TRUE(tree);
    const TemporaryFolder out;
    auto archive = write_archive(*tree, out.path() / "a.zip");
    EXPECT_TRUE(archive) << archive.error().message;
    return archive->sha256;
}

TEST(source_archive, equal_trees_give_equal_bytes_whenever_they_were_written) {
    const TemporaryFolder a;
    const TemporaryFolder b;
    b.write("requirements.txt", "bedrock-agentcore\n");
    fill(a);
    fill(b);
    fs::last_write_time(b.path() / "agent.py",
                        fs::file_time_type::clock::now() - std::chrono::hours(1000));
    EXPECT_EQ(hash_of(a), hash_of(b));
    b.write("lib/tool.py", "x = 2\n");
    EXPECT_NE(hash_of(a), hash_of(b));
}

TEST(source_archive, leaves_out_caches_secrets_and_what_ignore_files_name) {
    const TemporaryFolder folder;
    fill(folder);
    for (const char* name :
         {".git/config", "__pycache__/agent.pyc", ".venv/bin/python", "node_modules/x/i.js",
          ".bedrock_agentcore.yaml", ".bedrock_agentcore/x", ".env", ".env.local",
          "lib/__pycache__/t.pyc", "data/big.bin", "data/keep.bin", "notes.tmp", "lib/notes.tmp",
          "docs/a.md"})
        folder.write(name, "x");
    folder.write(".gitignore", "# no data\n*.bin\n!keep.bin\n/notes.tmp\n");
    folder.write(".dockerignore", "docs\n");
    auto tree = collect_sources(folder.path(), "agent.py");
    ASSERT_TRUE(tree);
    EXPECT_THAT(names(*tree),
                ElementsAre(".dockerignore", ".gitignore", "agent.py", "data/keep.bin",
                            "lib/notes.tmp", "lib/tool.py", "requirements.txt"));
}

TEST(source_archive, packs_the_entry_point_whatever_is_ignored) {
    const TemporaryFolder folder;
    folder.write("build/agent.py", "x");
    folder.write("build/other.py", "x");
    folder.write(".gitignore", "*.py\nbuild/\n");
    auto tree = collect_sources(folder.path(), "build/agent.py");
    ASSERT_TRUE(tree);
    EXPECT_THAT(names(*tree), ElementsAre(".gitignore", "build/agent.py"));
}

TEST(source_archive, follows_links_inside_and_names_those_that_leave) {
    const TemporaryFolder folder;
    const TemporaryFolder secret;
    secret.write("key", "secret");
    fill(folder);
    fs::create_symlink("lib/tool.py", folder.path() / "alias.py");
    fs::create_symlink(secret.path() / "key", folder.path() / "stolen");
    fs::create_directory_symlink(secret.path(), folder.path() / "outside");
    auto tree = collect_sources(folder.path(), "agent.py");
    ASSERT_TRUE(tree);
    EXPECT_THAT(names(*tree),
                ElementsAre("agent.py", "alias.py", "lib/tool.py", "requirements.txt"));
    EXPECT_THAT(tree->left_out, ElementsAre(HasSubstr("outside"), HasSubstr("stolen")));
}

TEST(source_archive, another_requirements_file_takes_the_usual_place) {
    const TemporaryFolder folder;
    fill(folder);
    folder.write("deps/prod.txt", "other\n");
    auto tree = collect_sources(folder.path(), "agent.py");
    ASSERT_TRUE(tree);
    set_requirements(*tree, folder.path() / "deps/prod.txt");
    for (const auto& file : tree->files)
        if (file.name == "requirements.txt") EXPECT_EQ(file.path, folder.path() / "deps/prod.txt");
    EXPECT_EQ(tree->files.size(), 4u);
}

TEST(source_archive, is_bounded_and_names_the_largest_file) {
    const TemporaryFolder folder;
    fill(folder);
    folder.write("model.bin", std::string(4 << 20, 'x'));
    auto tree = collect_sources(folder.path(), "agent.py", {.source_bytes_max = 3 << 20});
    ASSERT_FALSE(tree);
    EXPECT_THAT(tree.error().message, HasSubstr("model.bin"));
    EXPECT_FALSE(collect_sources(folder.path(), "agent.py", {.files_max = 2}));
}

TEST(source_archive, an_unwritable_place_is_a_failure) {
    const TemporaryFolder folder;
    fill(folder);
    auto tree = collect_sources(folder.path(), "agent.py");
    ASSERT_TRUE(tree);
    EXPECT_FALSE(write_archive(*tree, folder.path() / "none/a.zip"));
}

TEST(source_archive, an_oci_layout_is_packed_as_it_is_and_nothing_else) {
    const TemporaryFolder folder;
    folder.write("oci-layout", "{}");
    folder.write("blobs/sha256/aa", "layer");
    folder.write("notes.txt", "no part of it");
    EXPECT_EQ(collect_layout(folder.path()).error().code, ExitCode::usage);
    folder.write("index.json", "{}");
    const auto tree = collect_layout(folder.path());
    ASSERT_TRUE(tree);
    EXPECT_THAT(names(*tree), ElementsAre("blobs/sha256/aa", "index.json", "oci-layout"));
    const TemporaryFolder out;
    const auto one = write_tar(*tree, out.path() / "1.tar");
    ASSERT_TRUE(one);
    fs::last_write_time(folder.path() / "index.json",
                        fs::file_time_type::clock::now() - std::chrono::hours(1000));
    const auto two = write_tar(*collect_layout(folder.path()), out.path() / "2.tar");
    ASSERT_TRUE(two);
    EXPECT_EQ(one->sha256, two->sha256);
    EXPECT_EQ(out.read("1.tar").substr(257, 5), "ustar");
}

TEST(source_archive, a_program_is_packed_alone) {
    const TemporaryFolder folder;
    folder.write("agent", "x");
    folder.write("agent.o", "x");
    const auto tree = collect_agent({folder.path(), "agent", true});
    ASSERT_TRUE(tree);
    EXPECT_THAT(names(*tree), ElementsAre("agent"));
    EXPECT_TRUE(tree->files.front().executable);
    EXPECT_EQ(collect_agent({folder.path(), "none", true}).error().code, ExitCode::not_found);
}

TEST(ignore_rules, globs_follow_gitignore) {
    EXPECT_TRUE(glob_matches("*.py", "a.py"));
    EXPECT_FALSE(glob_matches("*.py", "d/a.py"));
    EXPECT_TRUE(glob_matches("**/*.py", "d/e/a.py"));
    EXPECT_TRUE(glob_matches("**/*.py", "a.py"));
    EXPECT_TRUE(glob_matches("d/**", "d/e/f"));
    EXPECT_TRUE(glob_matches("a?c", "abc"));
    EXPECT_FALSE(glob_matches("a?c", "a/c"));
    EXPECT_TRUE(glob_matches("[a-c]x", "bx"));
    EXPECT_FALSE(glob_matches("[!a-c]x", "bx"));
    EXPECT_TRUE(glob_matches("\\*", "*"));
    EXPECT_FALSE(glob_matches("\\*", "x"));
    EXPECT_TRUE(glob_matches("[", "["));
    EXPECT_FALSE(glob_matches(std::string(60, '*') + "b", std::string(300, 'a')));
}

TEST(ignore_rules, the_last_match_decides) {
    IgnoreRules rules;
    rules.add_gitignore("*.log\n!keep.log\nlogs/\n\r\n  \nsub/x\n");
    EXPECT_TRUE(rules.excludes("a/b.log", false));
    EXPECT_FALSE(rules.excludes("a/keep.log", false));
    EXPECT_TRUE(rules.excludes("deep/logs", true));
    EXPECT_FALSE(rules.excludes("deep/logs", false));
    EXPECT_TRUE(rules.excludes("sub/x", false));
    EXPECT_FALSE(rules.excludes("a/sub/x", false));
}

}  // namespace
}  // namespace ac::cli
