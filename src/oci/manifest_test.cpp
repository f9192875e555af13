#include "oci/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "oci/reference.h"
#include "oci/registry.h"

namespace ac::oci {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kDigest = "sha256:" + std::string(64, 'a');

TEST(Reference, is_read_as_container_tools_do) {
    const auto text = [](std::string_view name) {
        const auto reference = parse_reference(name);
        return reference ? reference->text() : reference.error().message;
    };
    EXPECT_EQ(text("python"), "registry-1.docker.io/library/python:latest");
    EXPECT_EQ(text("docker.io/owner/app:1.2"), "registry-1.docker.io/owner/app:1.2");
    EXPECT_EQ(text("localhost:5000/a/b"), "localhost:5000/a/b:latest");
    EXPECT_EQ(text("123456789012.dkr.ecr.us-west-2.amazonaws.com/agent:v1"),
              "123456789012.dkr.ecr.us-west-2.amazonaws.com/agent:v1");
    EXPECT_EQ(text("ghcr.io/a/b@" + kDigest), "ghcr.io/a/b@" + kDigest);
    EXPECT_EQ(parse_reference("ghcr.io/a/b:t@" + kDigest)->version(), kDigest);
}

TEST(Reference, what_is_none_is_refused) {
    for (const std::string name : {"", "UPPER", "a//b", "a/../b", "a:", "a:t@sha256:1",
                                   "host.x:99999999/a", "a b", "-a", "a/", "ho/st?x=1", "a@md5:1"})
        EXPECT_FALSE(parse_reference(name)) << name;
}

TEST(Manifest, the_processors_image_is_chosen) {
    const std::string index = R"({"manifests":[
        {"digest":")" + kDigest +
                              R"(","size":7,"platform":{"os":"unknown","architecture":"unknown"}},
        {"digest":")" + kDigest +
                              R"(","size":8,"platform":{"os":"linux","architecture":"arm64"}},
        {"digest":")" + kDigest +
                              R"(","size":9,"platform":{"os":"linux","architecture":"amd64"}}]})";
    EXPECT_EQ(parse_manifest(index, "amd64")->choice.size, 9U);
    EXPECT_EQ(parse_manifest(index, "arm64")->choice.size, 8U);
    EXPECT_THAT(parse_manifest(index, "riscv64").error().message,
                HasSubstr("not made for linux/riscv64, only for linux/arm64, linux/amd64"));
}

TEST(Manifest, layers_are_in_order) {
    const std::string text = R"({"config":{"digest":")" + kDigest + R"(","size":2},"layers":[
        {"digest":")" + kDigest +
                             R"(","size":3},{"digest":")" + kDigest + R"(","size":4}]})";
    const auto parsed = parse_manifest(text, "amd64");
    ASSERT_TRUE(parsed && parsed->manifest);
    EXPECT_EQ(parsed->manifest->layers[1].size, 4U);
}

TEST(Manifest, nonsense_is_refused) {
    for (const std::string& text :
         {std::string("[]"), std::string("{}"), std::string("nul"),
          std::string(R"({"manifests":[]})"), std::string(R"({"schemaVersion":1,"fsLayers":[]})"),
          R"({"config":{"digest":"sha256:x","size":1},"layers":[{}]})" + std::string(),
          R"({"config":{"digest":")" + kDigest + R"(","size":-1},"layers":[{}]})",
          R"({"config":{"digest":")" + kDigest + R"(","size":1e30},"layers":[{}]})",
          R"({"config":{"digest":")" + kDigest + R"(","size":1},"layers":[]})"})
        EXPECT_EQ(parse_manifest(text, "amd64").error().code, ErrorCode::invalid_argument) << text;
}

TEST(ImageConfig, says_how_it_is_run) {
    const auto config = parse_config(R"({"architecture":"amd64","os":"linux","config":{
        "Entrypoint":["/agent"],"Cmd":["--port","8080"],"Env":["A=b"],"User":"1000:1000",
        "WorkingDir":"/app"},"rootfs":{"type":"layers","diff_ids":["sha256:1"]}})");
    ASSERT_TRUE(config);
    EXPECT_THAT(config->entrypoint, ElementsAre("/agent"));
    EXPECT_THAT(config->command, ElementsAre("--port", "8080"));
    EXPECT_THAT(config->environment, ElementsAre("A=b"));
    EXPECT_EQ(config->folder + config->user, "/app1000:1000");
    EXPECT_TRUE(parse_config(R"({"config":{"Entrypoint":null,"Cmd":null}})"));
    EXPECT_FALSE(parse_config(R"({"os":"windows"})"));
    EXPECT_FALSE(parse_config(R"({"config":{"Cmd":"sh"}})"));
    EXPECT_FALSE(parse_config(R"({"config":{"Cmd":["a\u0000b"]}})"));
}

TEST(Challenge, is_taken_apart) {
    const auto bearer =
        parse_challenge(R"(Bearer realm="https://auth.example/token",service="registry",)"
                        R"(scope="repository:a:pull,push")");
    ASSERT_TRUE(bearer);
    EXPECT_EQ(bearer->scheme, "bearer");
    EXPECT_EQ(bearer->realm, "https://auth.example/token");
    EXPECT_EQ(bearer->service, "registry");
    EXPECT_EQ(bearer->scope, "repository:a:pull,push");
    EXPECT_EQ(parse_challenge(R"(Basic realm="a \"b\"")")->realm, R"(a "b")");
    EXPECT_FALSE(parse_challenge(" "));
    EXPECT_EQ(parse_challenge("Bearer realm=\"open")->realm, "open");
}

}  // namespace
}  // namespace ac::oci
