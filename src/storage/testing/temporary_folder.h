#pragma once
// For tests: a folder that is removed with the object.

#include <cstdlib>
#include <filesystem>

namespace ac::storage::testing {

class TemporaryFolder final {
  public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "agentcored-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) std::abort();
        path_ = name;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

}  // namespace ac::storage::testing
