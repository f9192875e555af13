#include "cli/dev/source_watch.h"

#include <gtest/gtest.h>

#include "cli/test_support.h"

namespace ac::cli {
namespace {

class source_watch : public testing::Test {
  protected:
    source_watch() {
        folder_.write("agent.py", "1\n");
        folder_.write(".gitignore", "*.log\n");
    }
    TemporaryFolder folder_;
};

TEST_F(source_watch, writing_making_and_removing_are_noticed_once) {
    SourceWatch watch({folder_.path(), "agent.py"});
    EXPECT_EQ(watch.look(), std::nullopt);
    folder_.write("agent.py", "two\n");
    EXPECT_EQ(watch.look(), "agent.py");
    EXPECT_EQ(watch.look(), std::nullopt);
    folder_.write("tools.py", "");
    EXPECT_EQ(watch.look(), "tools.py");
    std::filesystem::remove(folder_.path() / "tools.py");
    EXPECT_EQ(watch.look(), "tools.py");
}

TEST_F(source_watch, what_is_not_deployed_is_not_watched) {
    SourceWatch watch({folder_.path(), "agent.py"});
    folder_.write("x.log", "much\n");
    folder_.write(".agent.py.swp", "editor\n");
    std::filesystem::create_directories(folder_.path() / ".venv");
    folder_.write(".venv/lib.py", "library\n");
    EXPECT_EQ(watch.look(), std::nullopt);
}

TEST_F(source_watch, a_folder_that_is_gone_has_not_changed) {
    SourceWatch watch({folder_.path() / "nowhere", "agent.py"});
    EXPECT_EQ(watch.look(), std::nullopt);
}

}  // namespace
}  // namespace ac::cli
