#pragma once
// A World for tests: a folder of its own, a console that keeps what was said, no real environment.

#include <gtest/gtest.h>

#include <deque>
#include <filesystem>
#include <fstream>

#include "cli/world.h"

namespace ac::cli {

class RecordingConsole final : public Console {
  public:
    void out(std::string_view text) override { out_text += text; }
    void err(std::string_view text) override { err_text += text; }
    std::optional<std::string> read_line() override {
        if (answers.empty()) return std::nullopt;
        auto line = answers.front();
        answers.pop_front();
        return line;
    }
    std::optional<std::string> read_all(std::size_t bytes_max) override {
        return input.size() > bytes_max ? std::nullopt : std::optional(input);
    }
    bool in_is_terminal() const override { return terminal; }
    bool out_is_terminal() const override { return terminal; }
    bool err_is_terminal() const override { return terminal; }
    bool colour() const override { return false; }

    std::string out_text;
    std::string err_text;
    std::string input;
    std::deque<std::string> answers;
    bool terminal = false;
};

class TemporaryFolder final {
  public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "agentcore-XXXXXX").string();
        path_ = ::mkdtemp(name.data());
    }
    ~TemporaryFolder() {
        std::error_code error;
        std::filesystem::remove_all(path_, error);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    const std::filesystem::path& path() const { return path_; }
    void write(const std::string& name, std::string_view text) const {
        std::filesystem::create_directories((path_ / name).parent_path());
        std::ofstream(path_ / name, std::ios::binary) << text;
    }
    std::string read(const std::string& name) const {
        std::ifstream file(path_ / name, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }

  private:
    std::filesystem::path path_;
};

}  // namespace ac::cli
