#include "wire/file_events.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/encoding.h"
#include "wire/event_stream.h"

namespace ac::wire {
namespace {

namespace json = boost::json;

json::object header_of(std::initializer_list<std::pair<const char*, std::size_t>> files) {
    json::array list;
    for (const auto& [path, size] : files)
        list.push_back({{"path", path},
                        {"size", static_cast<std::int64_t>(size)},  // as the parser makes it
                        {"mimeType", "x/y"}});
    return {{"files", list}};
}

// What a client that puts pieces together has, by uri; and how many events and blocks it took.
struct Received {
    std::map<std::string, std::string> files;
    std::size_t events = 0;
    std::size_t blocks = 0;
    std::size_t event_bytes_max = 0;
    bool is_working_at_last = false;
};

Received receive(FileEvents& events) {
    Received got;
    std::string frame;
    for (events.next(frame); !frame.empty(); events.next(frame)) {
        EventDecoder decoder;
        decoder.feed(frame);
        const auto message = decoder.next();
        EXPECT_TRUE(message && *message);
        const json::object result = json::parse((*message)->payload).as_object();
        EXPECT_FALSE(result.at("isError").as_bool());
        for (const auto& block : result.at("content").as_array()) {
            const auto& resource = block.at("resource").as_object();
            std::string& file = got.files[std::string(resource.at("uri").as_string())];
            if (resource.at("type").as_string() == "text")
                file += std::string(resource.at("text").as_string());
            else
                file += from_base64(std::string(resource.at("blob").as_string())).value();
            ++got.blocks;
        }
        ++got.events;
        got.event_bytes_max = std::max(got.event_bytes_max, frame.size());
        got.is_working_at_last = result.contains("structuredContent");
    }
    return got;
}

std::string numbers(std::size_t size) {
    std::string out(size, '\0');
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>(i * i >> 3);
    return out;
}

TEST(FileEvents, small_files_are_in_one_event) {
    auto events =
        FileEvents::open(header_of({{"a", 3}, {"b", 0}, {"c", 2}}), "abc\xff\1", Pieces::refused);
    const Received got = receive(events.value());
    EXPECT_EQ(got.events, 1U);
    EXPECT_EQ(got.blocks, 3U);
    EXPECT_FALSE(got.is_working_at_last);
    EXPECT_EQ(got.files.at("file://a"), "abc");
    EXPECT_EQ(got.files.at("file://b"), "");
    EXPECT_EQ(got.files.at("file://c"), "\xff\1");
}

TEST(FileEvents, a_large_file_comes_in_pieces_of_which_it_can_be_made_again) {
    const std::string big = numbers(40'000'000);
    auto events = FileEvents::open(header_of({{"big", big.size()}, {"small", 1}}), big + "s",
                                   Pieces::allowed);
    const Received got = receive(events.value());
    EXPECT_TRUE(got.files.at("file://big") == big);
    EXPECT_EQ(got.files.at("file://small"), "s");
    EXPECT_GE(got.events, 4U);
    EXPECT_LE(got.event_bytes_max, std::size_t{16} << 20);
    EXPECT_FALSE(got.is_working_at_last);
}

TEST(FileEvents, what_fits_into_one_event_is_whole_in_it) {
    const std::string first = numbers(10'000'000);
    const std::string second = numbers(18'000'000);
    auto events = FileEvents::open(header_of({{"first", first.size()}, {"second", second.size()}}),
                                   first + second, Pieces::refused);
    const Received got = receive(events.value());
    EXPECT_EQ(got.events, 2U);
    EXPECT_EQ(got.blocks, 2U);
    EXPECT_TRUE(got.files.at("file://second") == second);
    EXPECT_LT(got.event_bytes_max, std::size_t{24} << 20);
}

TEST(FileEvents, text_is_cut_between_characters_however_it_is_escaped) {
    std::string text;
    while (text.size() < 30'000'000) text += "\n\"\\\x01\xe2\x82\xac\xf0\x9f\x98\x80 x";
    auto events = FileEvents::open(header_of({{"t", text.size()}}), text, Pieces::allowed);
    const Received got = receive(events.value());
    EXPECT_TRUE(got.files.at("file://t") == text);
    EXPECT_LE(got.event_bytes_max, std::size_t{16} << 20);
}

TEST(FileEvents, who_takes_the_first_piece_for_the_file_gets_an_error) {
    const auto events =
        FileEvents::open(header_of({{"big", 30'000'000}}), numbers(30'000'000), Pieces::refused);
    ASSERT_FALSE(events);
    EXPECT_EQ(events.error().code, ErrorCode::too_large);
    EXPECT_TRUE(events.error().message.starts_with("big is larger")) << events.error().message;
}

}  // namespace
}  // namespace ac::wire
