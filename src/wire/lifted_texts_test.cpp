#include "wire/lifted_texts.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/encoding.h"
#include "wire/file_pack.h"

namespace ac::wire {
namespace {

namespace json = boost::json;

std::string bytes_of(std::size_t size, unsigned seed) {
    std::string out(size, '\0');
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>((i * i >> 3) + seed);
    return out;
}

class Lifting : public testing::Test {
  protected:
    // The text that is parsed, as the codec leaves it: blobs decoded.
    json::object parse(const std::string& body) {
        const std::string text = LiftedTexts::lift(body, random_, lifted_);
        EXPECT_LT(text.size(), kLiftedBytesMin);
        json::object out = json::parse(text).as_object();
        if (auto* content = out.if_contains("content"))
            for (auto& entry : content->as_array())
                if (auto* blob = entry.as_object().if_contains("blob"))
                    *blob = from_base64(std::string(blob->as_string())).value();
        return out;
    }

    SystemRandom random_;
    LiftedTexts lifted_;
};

TEST_F(Lifting, takes_long_strings_and_no_others) {
    const std::string big(kLiftedBytesMin, 'x');
    const std::string escaped(kLiftedBytesMin / 8, '\n');
    json::object given;
    given["a"] = big;
    given["b"] = "say \"\\\"";
    given["c"] = escaped;
    given["d"] = big.substr(1);
    const std::string body = json::serialize(given);
    const json::object parsed = json::parse(LiftedTexts::lift(body, random_, lifted_)).as_object();
    ASSERT_EQ(lifted_.count(), 1U);
    const auto found = lifted_.find(std::string(parsed.at("a").as_string()));
    ASSERT_EQ(found, 0U);
    EXPECT_EQ(lifted_.text(0), big);
    EXPECT_EQ(parsed.at("b"), given.at("b"));
    EXPECT_EQ(parsed.at("c"), given.at("c"));
    EXPECT_EQ(parsed.at("d"), given.at("d"));
    EXPECT_FALSE(lifted_.find("a"));
    EXPECT_FALSE(lifted_.find(big));
}

TEST_F(Lifting, what_is_no_json_stays_so) {
    const std::string big(kLiftedBytesMin, 'x');
    for (const std::string& body :
         {"{\"a\":\"" + big, "{\"a\":\"" + big + "\"", "\"" + big + "\\\""}) {
        LiftedTexts lifted;
        boost::system::error_code error;
        json::parse(LiftedTexts::lift(body, random_, lifted), error);
        EXPECT_TRUE(error);
    }
}

TEST_F(Lifting, files_are_packed_whatever_their_sizes_and_kinds) {
    const std::vector<std::string> files = {"small",
                                            bytes_of(1'500'001, 1),
                                            "",
                                            bytes_of(2'000'000, 2),
                                            "x\ny",
                                            std::string(1'200'000, 't'),
                                            bytes_of(100, 3)};
    json::array content;
    for (std::size_t i = 0; i < files.size(); ++i) {
        json::object entry;
        entry["path"] = "f" + std::to_string(i);
        const bool is_text = i == 0 || i == 4 || i == 5;
        if (is_text)
            entry["text"] = files[i];
        else
            entry["blob"] = to_base64(files[i]);
        content.push_back(std::move(entry));
    }
    const json::object parsed = parse(json::serialize(
        json::object{{"before", std::string(kLiftedBytesMin, 'j')}, {"content", content}}));
    interpreter::ToolCall call;
    ASSERT_TRUE(pack_files(call, parsed.at("content").as_array(), lifted_));
    std::string all;
    for (std::size_t i = 0; i < files.size(); ++i) {
        EXPECT_EQ(call.files[i].size, files[i].size());
        all += files[i];
    }
    EXPECT_EQ(call.bytes, all);
}

TEST_F(Lifting, what_a_string_cannot_be_is_refused_by_name) {
    const std::string big(kLiftedBytesMin, 'x');
    for (const std::string& body : {R"({"content":[{"path":"a","blob":")" + big + "!\"}]}",
                                    R"({"content":[{"path":"a","text":")" + big + "\n\"}]}",
                                    R"({"content":[{"path":"a","text":")" + big + "\xff\"}]}"}) {
        LiftedTexts lifted;
        json::object parsed = json::parse(LiftedTexts::lift(body, random_, lifted)).as_object();
        interpreter::ToolCall call;
        const auto packed = pack_files(call, parsed.at("content").as_array(), lifted);
        ASSERT_FALSE(packed);
        EXPECT_EQ(packed.error().fields.at(0).path, "arguments.content.0");
    }
}

}  // namespace
}  // namespace ac::wire
