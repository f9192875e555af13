// What is decided about packages without any I/O: which vendored ones fit, what must be installed,
// by which Python, under which cache name, and the command that is run in the end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "base/random.h"
#include "runtime/installer.h"
#include "runtime/interpreter.h"
#include "runtime/requirements.h"
#include "runtime/vendored.h"

namespace ac::runtime {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

const Platform kHere{"x86_64", 11};

TEST(tag_fits, knows_pure_and_compiled_wheels) {
    EXPECT_TRUE(tag_fits("py3-none-any", kHere));
    EXPECT_TRUE(tag_fits("py2.py3-none-any", kHere));
    EXPECT_TRUE(tag_fits("cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64", kHere));
    EXPECT_TRUE(tag_fits("cp38-abi3-manylinux_2_28_x86_64", kHere));
    EXPECT_TRUE(tag_fits("py3-none-manylinux_2_17_x86_64", kHere));
    EXPECT_FALSE(tag_fits("cp311-cp311-manylinux_2_17_aarch64", kHere));
    EXPECT_FALSE(tag_fits("cp312-cp312-manylinux_2_17_x86_64", kHere));
    EXPECT_FALSE(tag_fits("cp312-abi3-manylinux_2_17_x86_64", kHere));
    EXPECT_FALSE(tag_fits("cp311-cp311-musllinux_1_2_x86_64", kHere));
    EXPECT_FALSE(tag_fits("cp311-cp311-macosx_11_0_arm64", kHere));
    EXPECT_FALSE(tag_fits("rubbish", kHere));
}

TEST(elf_machine, reads_the_processor_of_a_shared_object) {
    std::string head = std::string(
                           "\x7f"
                           "ELF\x02\x01\x01",
                           7) +
                       std::string(57, '\0');
    head[18] = static_cast<char>(183);
    EXPECT_EQ(elf_machine(head), "aarch64");
    head[18] = 62;
    EXPECT_EQ(elf_machine(head), "x86_64");
    EXPECT_EQ(elf_machine(std::string_view("#!/bin/sh")), std::nullopt);
}

class vendored : public testing::Test {
  protected:
    vendored() {
        SystemRandom random;
        folder_ = fs::temp_directory_path() / ("ac-vendored-" + random_alphanumeric(random, 12));
        fs::create_directories(folder_);
    }
    ~vendored() override { fs::remove_all(folder_); }
    void write(const std::string& name, const std::string& text) {
        fs::create_directories((folder_ / name).parent_path());
        std::ofstream(folder_ / name, std::ios::binary) << text;
    }
    void package(const std::string& name, const std::string& tag) {
        const std::string info = name + "-1.2.dist-info/";
        write(info + "METADATA",
              "Metadata-Version: 2.1\nName: " + name + "\nVersion: 1.2\n\nName: x");
        write(info + "WHEEL", "Wheel-Version: 1.0\nTag: " + tag + "\n");
        write(info + "RECORD", name + "/native.so,sha256=x,1\n");
    }
    std::string elf(int machine) {
        std::string head = std::string(
                               "\x7f"
                               "ELF\x02\x01\x01",
                               7) +
                           std::string(57, '\0');
        head[18] = static_cast<char>(machine);
        return head;
    }
    fs::path folder_;
};

TEST_F(vendored, packages_for_another_processor_are_found_and_named) {
    package("Py_Dantic.Core", "cp311-cp311-manylinux_2_17_aarch64");
    package("requests", "py3-none-any");
    const Vendored found = scan_vendored(folder_, kHere).value();
    EXPECT_EQ(found.packages.size(), 2u);
    EXPECT_EQ(replacements(found), "py-dantic-core==1.2\n");
}

TEST_F(vendored, a_shared_object_betrays_a_package_whose_tag_is_wrong) {
    package("liar", "py3-none-any");
    write("liar/native.so", elf(183));
    write("stray/loose.so", elf(183));
    write("fine/ok.so", elf(62));
    const Vendored found = scan_vendored(folder_, kHere).value();
    EXPECT_EQ(replacements(found), "liar==1.2\n");
    EXPECT_THAT(found.foreign_objects, ElementsAre("stray/loose.so"));
}

TEST_F(vendored, requirements_that_are_vendored_are_not_installed) {
    package("requests", "py3-none-any");
    write("requirements.txt", "# what we need\nRequests>=2 # http\n");
    const Vendored found = scan_vendored(folder_, kHere).value();
    EXPECT_TRUE(is_vendored(find_requirements(folder_).value(), found));
    write("requirements.txt", "requests\nboto3[crt]==1.2; python_version > '3'\n");
    EXPECT_FALSE(is_vendored(find_requirements(folder_).value(), found));
}

TEST_F(vendored, an_empty_requirements_file_asks_for_nothing) {
    write("requirements.txt", "\n# nothing\n");
    EXPECT_FALSE(find_requirements(folder_));
    fs::remove(folder_ / "requirements.txt");
    EXPECT_FALSE(find_requirements(folder_));
    write("pyproject.toml", "[project]\nname = 'x'\ndependencies = ['requests']\n");
    EXPECT_EQ(find_requirements(folder_)->kind, Requirements::Kind::pyproject);
}

TEST(required_names, gives_up_on_what_is_not_a_plain_name) {
    EXPECT_THAT(required_names("A.B_c\nx[y]>=1\n").value(), ElementsAre("a-b-c", "x"));
    EXPECT_FALSE(required_names("-r more.txt"));
    EXPECT_FALSE(required_names("./here.whl"));
    EXPECT_FALSE(required_names("git+https://host/x"));
}

TEST(choose_interpreter, prefers_the_exact_then_the_nearest_newer_then_the_nearest_older) {
    const std::vector<Interpreter> all{{"/a", 10}, {"/b", 11}, {"/c", 13}, {"/d", 14}};
    EXPECT_EQ(choose_interpreter(all, 11)->path, "/b");
    EXPECT_TRUE(choose_interpreter(all, 11)->exact);
    EXPECT_EQ(choose_interpreter(all, 12)->path, "/c");
    EXPECT_FALSE(choose_interpreter(all, 12)->exact);
    EXPECT_EQ(choose_interpreter({{"/a", 10}, {"/b", 11}}, 13)->path, "/b");
    EXPECT_FALSE(choose_interpreter({}, 13));
}

TEST(install_key, differs_with_all_that_changes_the_result) {
    const Requirements plain{.file = "requirements.txt", .text = "a==1\n"};
    Requirements other = plain;
    other.text = "a==2\n";
    Requirements with_files = plain;
    with_files.refers_to_files = true;
    const Interpreter python{"/usr/bin/python3.11", 11};
    const Interpreter newer{"/usr/bin/python3.12", 12};
    BuildOptions uv;
    uv.uv = "/usr/bin/uv";
    const std::set<std::string> keys{
        install_key(plain, python, {}, "x86_64", "zip1"),
        install_key(other, python, {}, "x86_64", "zip1"),
        install_key(plain, newer, {}, "x86_64", "zip1"),
        install_key(plain, python, uv, "x86_64", "zip1"),
        install_key(plain, python, {}, "aarch64", "zip1"),
        install_key(with_files, python, {}, "x86_64", "zip1"),
        install_key(with_files, python, {}, "x86_64", "zip2"),
        replace_key("a==1\n", python, {}, "x86_64"),
    };
    EXPECT_EQ(keys.size(), 8u);
    EXPECT_EQ(install_key(plain, python, {}, "x86_64", "zip1"),
              install_key(plain, python, {}, "x86_64", "zip2"));
}

class entry_command_test : public testing::Test {
  protected:
    Result<EntryCommand> command(std::vector<std::string> entry) {
        return entry_command(entry, python_, [this](Part part, const std::string& path) {
            return files_.contains({part, path});
        });
    }
    const Interpreter python_{"/py", 11};
    std::set<std::pair<Part, std::string>> files_{{Part::code, "agent.py"}};
};

TEST_F(entry_command_test, a_script_is_run_by_the_interpreter) {
    EXPECT_THAT(command({"agent.py"})->argv, ElementsAre("/py", "/var/task/agent.py"));
    EXPECT_THAT(command({"python3", "agent.py"})->argv, ElementsAre("/py", "/var/task/agent.py"));
    EXPECT_THAT(command({"agent.py", "-v"})->argv, ElementsAre("/py", "/var/task/agent.py", "-v"));
}

TEST_F(entry_command_test, a_script_that_is_not_there_is_an_error) {
    EXPECT_THAT(command({"other.py"}).error().message, HasSubstr("no file other.py"));
}

TEST_F(entry_command_test, instrumentation_is_used_when_it_was_installed) {
    EXPECT_THAT(command({"opentelemetry-instrument", "agent.py"})->argv,
                ElementsAre("/py", "/var/task/agent.py"));
    EXPECT_FALSE(command({"opentelemetry-instrument", "agent.py"})->note.empty());
    files_.insert(
        {Part::packages, "opentelemetry/instrumentation/auto_instrumentation/__init__.py"});
    EXPECT_THAT(
        command({"opentelemetry-instrument", "agent.py"})->argv,
        ElementsAre("/py", "-c", HasSubstr("auto_instrumentation"), "/py", "/var/task/agent.py"));
}

TEST_F(entry_command_test, a_command_must_come_from_a_package) {
    EXPECT_THAT(command({"serve", "agent.py"}).error().message, HasSubstr("named serve"));
    EXPECT_FALSE(command({"/bin/sh", "agent.py"}));
    files_.insert({Part::packages, "bin/serve"});
    EXPECT_THAT(command({"serve", "agent.py"})->argv,
                ElementsAre("/py", "/opt/agentcore/packages/bin/serve", "/var/task/agent.py"));
}

TEST(installer_environment, keeps_index_settings_only) {
    const char* const all[] = {
        "PIP_INDEX_URL=x",          "UV_CACHE=y", "https_proxy=z", "HOME=/root", "SSL_CERT_FILE=/c",
        "AWS_SECRET_ACCESS_KEY=no", nullptr};
    EXPECT_THAT(installer_environment(all),
                ElementsAre("PIP_INDEX_URL=x", "UV_CACHE=y", "https_proxy=z", "SSL_CERT_FILE=/c"));
}

TEST(installer_environment, urls_of_indexes_come_without_what_is_secret) {
    EXPECT_THAT(index_urls({"PIP_EXTRA_INDEX_URL=https://user:pa@ss@one/simple http://two:81/",
                            "UV_INDEX=name=https://three/simple", "https_proxy=http://proxy",
                            "PIP_FIND_LINKS=/opt/wheels", "PIP_X"},
                           "[global]\nindex-url = https://four/@/simple\nquiet=1\n"),
                ElementsAre("https://one/simple", "http://two:81/", "https://three/simple",
                            "https://four/@/simple"));
}

}  // namespace
}  // namespace ac::runtime
