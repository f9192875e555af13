#include "embedded/gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

namespace ac::embedded {
namespace {

constexpr std::uint64_t kPairsMax = 65'536;
constexpr std::uint64_t kTensorsMax = 65'536;
constexpr std::uint64_t kNameBytesMax = 256;
constexpr std::uint64_t kTextBytesMax = 1 << 20;  // a chat template
constexpr std::uint64_t kItemsMax = 16 << 20;     // of one array
constexpr std::uint32_t kDimensionsMax = 4;
constexpr std::uint64_t kValuesMax = 1ULL << 40;  // of one tensor
constexpr std::uint64_t kDefaultAlignment = 32;

enum ValueType : std::uint32_t { kUint32 = 4, kString = 8, kArray = 9, kUint64 = 10 };

// Of the value types, by number; 0: of no fixed size, or no type.
constexpr std::array<std::uint8_t, 13> kValueBytes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

// Tensor types: values in a block and bytes of a block, by number. Types that are not here (new or
// retired) are looked at by their offset only.
struct BlockSize {
    std::uint16_t values;
    std::uint16_t bytes;
};
constexpr std::array<BlockSize, 31> kBlockSizes = {
    {{1, 4},    {1, 2},    {32, 18},  {32, 20},   {0, 0},     {0, 0},     {32, 22},   {32, 24},
     {32, 34},  {32, 36},  {256, 84}, {256, 110}, {256, 144}, {256, 176}, {256, 210}, {256, 292},
     {256, 66}, {256, 74}, {256, 98}, {256, 50},  {32, 18},   {256, 110}, {256, 82},  {256, 136},
     {1, 1},    {1, 2},    {1, 4},    {1, 8},     {1, 8},     {256, 56},  {1, 2}}};

std::unexpected<Error> broken(std::string_view what) {
    return fail(ErrorCode::invalid_argument, fmt::format("no usable GGUF file: {}", what));
}

class Reader final {
  public:
    explicit Reader(Bytes bytes) : bytes_(bytes) {}

    Result<Bytes> take(std::uint64_t size, std::string_view what) {
        if (size > bytes_.size() - at_) return broken(fmt::format("it ends in {}", what));
        at_ += size;
        return bytes_.subspan(at_ - size, size);
    }
    template <class T>
    Result<T> read(std::string_view what) {
        AC_TRY(const Bytes bytes, take(sizeof(T), what));
        T value{};
        std::memcpy(&value, bytes.data(), sizeof value);
        return value;
    }
    Result<std::string_view> text(std::uint64_t most, std::string_view what) {
        AC_TRY(const auto size, read<std::uint64_t>(what));
        if (size > most) return broken(fmt::format("{} is longer than {} bytes", what, most));
        AC_TRY(const Bytes bytes, take(size, what));
        return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    std::size_t position() const { return at_; }

  private:
    const Bytes bytes_;
    std::size_t at_ = 0;
};

struct Value {
    std::uint32_t type = 0;
    std::string_view text;
    std::uint64_t number = 0;
};

Result<> skip_array(Reader& in) {
    AC_TRY(const auto type, in.read<std::uint32_t>("an array"));
    AC_TRY(const auto count, in.read<std::uint64_t>("an array"));
    if (count > kItemsMax) return broken("an array is too long");
    if (type == kString) {
        for (std::uint64_t i = 0; i < count; ++i)
            AC_CHECK(in.text(kTextBytesMax, "a text of an array"));
        return {};
    }
    if (type >= kValueBytes.size() || kValueBytes[type] == 0)
        return broken("an array of an unknown type");
    AC_CHECK(in.take(count * kValueBytes[type], "an array"));
    return {};
}

Result<Value> read_value(Reader& in, std::string_view key) {
    Value value;
    AC_TRY(value.type, in.read<std::uint32_t>(key));
    if (value.type == kString) {
        AC_TRY(value.text, in.text(kTextBytesMax, key));
    } else if (value.type == kArray) {
        AC_CHECK(skip_array(in));
    } else if (value.type < kValueBytes.size()) {
        AC_TRY(const Bytes bytes, in.take(kValueBytes[value.type], key));
        std::memcpy(&value.number, bytes.data(), bytes.size());
    } else {
        return broken(fmt::format("{} is of an unknown type", key));
    }
    return value;
}

Result<std::uint64_t> read_pairs(Reader& in, std::uint64_t count, GgufHead& head) {
    std::uint64_t alignment = kDefaultAlignment;
    for (std::uint64_t i = 0; i < count; ++i) {
        AC_TRY(const auto key, in.text(kNameBytesMax, "a key"));
        AC_TRY(const Value value, read_value(in, key));
        if (key == "general.architecture") head.architecture = value.text;
        if (key == "general.name") head.name = value.text;
        if (key == "general.license") head.license = value.text;
        if (key == "general.alignment") alignment = value.number;
        if (key.ends_with(".context_length")) head.context_tokens = value.number;
        if (key == "tokenizer.chat_template") head.has_chat_template = !value.text.empty();
        if (key == "tokenizer.ggml.tokens") head.has_tokenizer = value.type == kArray;
    }
    const bool is_power = alignment != 0 && (alignment & (alignment - 1)) == 0;
    if (!is_power || alignment > 1 << 20) return broken("its alignment");
    return alignment;
}

struct TensorPlace {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;  // 0: of a type that is not known here
};

Result<TensorPlace> read_tensor(Reader& in) {
    AC_TRY(const auto name, in.text(kNameBytesMax, "a tensor's name"));
    AC_TRY(const auto dimensions, in.read<std::uint32_t>("a tensor"));
    if (dimensions > kDimensionsMax)
        return broken(fmt::format("tensor {} has {} dimensions", name, dimensions));
    std::uint64_t values = 1;
    for (std::uint32_t i = 0; i < dimensions; ++i) {
        AC_TRY(const auto size, in.read<std::uint64_t>("a tensor"));
        if (size == 0 || size > kValuesMax / values)
            return broken(fmt::format("the size of tensor {}", name));
        values *= size;
    }
    AC_TRY(const auto type, in.read<std::uint32_t>("a tensor"));
    TensorPlace place;
    AC_TRY(place.offset, in.read<std::uint64_t>("a tensor"));
    if (type < kBlockSizes.size() && kBlockSizes[type].values != 0) {
        const BlockSize block = kBlockSizes[type];
        if (values % block.values != 0) return broken(fmt::format("the size of tensor {}", name));
        place.bytes = values / block.values * block.bytes;
    }
    return place;
}

// Behind the tables, aligned, come the weights.
Result<> check_places(const std::vector<TensorPlace>& places, std::uint64_t begin,
                      std::uint64_t alignment, std::uint64_t size) {
    begin = (begin + alignment - 1) / alignment * alignment;
    for (const TensorPlace& place : places) {
        const bool fits = begin <= size && place.offset <= size - begin &&
                          place.bytes <= size - begin - place.offset;
        if (!fits) return broken("it is cut off: a tensor lies outside of it");
        if (place.offset % alignment != 0) return broken("a tensor is not aligned");
    }
    return {};
}

}  // namespace

bool GgufHead::is_generative() const {
    static constexpr std::array<std::string_view, 8> kOthers = {
        "bert", "nomic-bert", "jina-bert-v2",     "t5encoder",
        "clip", "whisper",    "wavtokenizer-dec", "modern-bert"};
    return has_tokenizer && std::ranges::find(kOthers, architecture) == kOthers.end();
}

Result<GgufHead> parse_gguf(Bytes file) {
    Reader in(file);
    AC_TRY(const Bytes magic, in.take(4, "its first bytes"));
    if (std::memcmp(magic.data(), "GGUF", 4) != 0) return broken("it does not begin with GGUF");
    GgufHead head;
    AC_TRY(head.version, in.read<std::uint32_t>("its version"));
    if (head.version != 2 && head.version != 3)
        return broken(fmt::format("its version is {}, known are 2 and 3", head.version));
    AC_TRY(head.tensors, in.read<std::uint64_t>("its tables"));
    AC_TRY(const auto pairs, in.read<std::uint64_t>("its tables"));
    if (head.tensors == 0 || head.tensors > kTensorsMax) return broken("its number of tensors");
    if (pairs > kPairsMax) return broken("its number of keys");
    AC_TRY(const auto alignment, read_pairs(in, pairs, head));
    if (head.architecture.empty()) return broken("general.architecture is missing");
    std::vector<TensorPlace> places;
    for (std::uint64_t i = 0; i < head.tensors; ++i) {
        AC_TRY(const TensorPlace place, read_tensor(in));
        places.push_back(place);
    }
    AC_CHECK(check_places(places, in.position(), alignment, file.size()));
    return head;
}

}  // namespace ac::embedded
