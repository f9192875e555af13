#include "embedded/e5_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "base/file.h"

namespace ac::embedded {
namespace {

constexpr std::uint32_t kPiecesMax = 1'000'000;
constexpr std::uint32_t kNormalisedMax = 1'000'000;
constexpr std::uint32_t kTensorsMax = 4096;

std::unexpected<Error> broken(std::string_view what) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("this is no model of the embedded embedder: {}", what));
}

// Reads forward; past the end everything is zero and ok() false.
class Cursor final {
  public:
    explicit Cursor(Bytes bytes) : bytes_(bytes) {}

    Bytes take(std::size_t size) {
        if (size > bytes_.size() - at_) {
            ok_ = false;
            return {};
        }
        at_ += size;
        return bytes_.subspan(at_ - size, size);
    }
    template <class T>
    T read() {
        T value{};
        const Bytes bytes = take(sizeof value);
        if (ok_) std::memcpy(&value, bytes.data(), sizeof value);
        return value;
    }
    bool ok() const { return ok_; }

  private:
    Bytes bytes_;
    std::size_t at_ = 0;
    bool ok_ = true;
};

Result<E5Shape> read_shape(Cursor& in) {
    E5Shape shape;
    shape.hidden = in.read<std::uint32_t>();
    shape.layers = in.read<std::uint32_t>();
    shape.heads = in.read<std::uint32_t>();
    shape.feed_forward = in.read<std::uint32_t>();
    shape.vocabulary = in.read<std::uint32_t>();
    shape.positions = in.read<std::uint32_t>();
    (void)in.read<std::uint32_t>();  // token types; the first is used
    shape.epsilon = in.read<float>();
    const auto block = in.read<std::uint32_t>();
    const auto is_size = [](std::uint32_t n, std::uint32_t most) {
        return n >= 64 && n <= most && n % 64 == 0;
    };
    const bool good = in.ok() && block == kQ4Block && is_size(shape.hidden, 1024) &&
                      is_size(shape.feed_forward, 8192) && shape.layers >= 1 &&
                      shape.layers <= 48 && shape.heads >= 1 && shape.heads <= 64 &&
                      shape.hidden % (shape.heads * 16) == 0 && shape.positions >= 16 &&
                      shape.positions <= 4096 && shape.vocabulary >= 8 &&
                      shape.vocabulary <= kPiecesMax && shape.epsilon > 0 && shape.epsilon < 1;
    if (!good) return broken("its shape");
    return shape;
}

Result<> read_pieces(Cursor& in, E5Vocabulary& out, std::uint32_t rows) {
    const auto count = in.read<std::uint32_t>();
    out.begin = in.read<std::uint32_t>();
    out.end = in.read<std::uint32_t>();
    out.pad = in.read<std::uint32_t>();
    out.unknown = in.read<std::uint32_t>();
    const auto blob_size = in.read<std::uint64_t>();
    if (!in.ok() || count < 8 || count > rows) return broken("its number of pieces");
    for (const auto id : {out.begin, out.end, out.pad, out.unknown})
        if (id >= count) return broken("a special piece");
    const Bytes offsets = in.take((std::size_t{count} + 1) * 4);
    const Bytes scores = in.take(std::size_t{count} * 4);
    const Bytes blob = in.take(blob_size);
    if (!in.ok()) return broken("its pieces are cut off");
    out.scores.resize(count);
    std::memcpy(out.scores.data(), scores.data(), scores.size());
    out.pieces.reserve(count);
    std::vector<std::uint32_t> ends(std::size_t{count} + 1);
    std::memcpy(ends.data(), offsets.data(), offsets.size());
    for (std::uint32_t i = 0; i < count; ++i) {
        if (ends[i] > ends[i + 1] || ends[i + 1] > blob.size()) return broken("a piece's place");
        if (!std::isfinite(out.scores[i])) return broken("a piece's score");
        const auto* text = reinterpret_cast<const char*>(blob.data()) + ends[i];
        out.pieces.emplace_back(text, ends[i + 1] - ends[i]);
    }
    return {};
}

Result<> read_normalised(Cursor& in, E5Vocabulary& out) {
    const auto count = in.read<std::uint32_t>();
    (void)in.read<std::uint32_t>();  // size of what follows
    if (!in.ok() || count > kNormalisedMax) return broken("its table of characters");
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto from = in.read<std::uint32_t>();
        const auto size = in.read<std::uint8_t>();
        std::vector<std::uint32_t> to(size);
        for (auto& point : to) {
            point = in.read<std::uint32_t>();
            if (point > 0x10FFFF) return broken("a character");
        }
        if (!in.ok()) return broken("its table of characters is cut off");
        out.normalised.emplace(from, std::move(to));
    }
    return {};
}

Result<> read_tensors(Cursor& in, Bytes file, E5Contents& out) {
    const auto count = in.read<std::uint32_t>();
    if (!in.ok() || count > kTensorsMax) return broken("its number of tensors");
    for (std::uint32_t i = 0; i < count; ++i) {
        const Bytes name = in.take(in.read<std::uint16_t>());
        const auto kind = in.read<std::uint8_t>();
        const std::size_t values = in.read<std::uint32_t>();
        const auto offset = in.read<std::uint64_t>();
        (void)in.read<std::uint64_t>();  // its size, which follows from the rest
        if (!in.ok()) return broken("its tensors are cut off");
        E5Tensor tensor{.kind = kind == 0 ? E5Tensor::Kind::float32 : E5Tensor::Kind::q4,
                        .count = values};
        if (kind > 1 || (kind == 1 && values % kQ4Block != 0)) return broken("a tensor's kind");
        const std::size_t size =
            kind == 0 ? values * sizeof(float) : values / kQ4Block * kQ4BlockBytes;
        if (offset > file.size() || size > file.size() - offset) return broken("a tensor's place");
        tensor.bytes = file.subspan(offset, size);
        out.tensors.emplace(std::string(name.begin(), name.end()), tensor);
    }
    return {};
}

float half_to_float(std::uint16_t half) {
    const std::uint32_t sign = std::uint32_t{half & 0x8000U} << 16;
    const std::uint32_t exponent = (half >> 10) & 0x1FU;
    const std::uint32_t fraction = half & 0x3FFU;
    if (exponent == 0) {
        constexpr float kSmallest = 1.0F / (1 << 24);
        const float value = static_cast<float>(fraction) * kSmallest;
        return sign != 0 ? -value : value;
    }
    if (exponent == 31) return 0;  // no number: a damaged file must not spread it
    return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
}

}  // namespace

Result<E5Tensor> E5Contents::tensor(std::string_view name, E5Tensor::Kind kind,
                                    std::size_t count) const {
    const auto found = tensors.find(name);
    if (found == tensors.end()) return broken(fmt::format("it has no {}", name));
    if (found->second.kind != kind || found->second.count != count)
        return broken(fmt::format("the size of {}", name));
    return found->second;
}

Result<E5Contents> parse_e5(Bytes bytes) {
    Cursor in(bytes);
    const Bytes magic = in.take(4);
    const auto version = in.read<std::uint32_t>();
    if (!in.ok() || std::memcmp(magic.data(), "E5S1", 4) != 0 || version != 1)
        return broken("it does not begin as one");
    E5Contents out;
    AC_TRY(out.shape, read_shape(in));
    AC_CHECK(read_pieces(in, out.vocabulary, out.shape.vocabulary));
    AC_CHECK(read_normalised(in, out.vocabulary));
    AC_CHECK(read_tensors(in, bytes, out));
    return out;
}

void unpack_q4(Bytes blocks, std::size_t count, float* out) {
    for (std::size_t block = 0; block < count / kQ4Block; ++block) {
        const std::uint8_t* in = blocks.data() + block * kQ4BlockBytes;
        std::uint16_t half = 0;
        std::memcpy(&half, in, sizeof half);
        const float scale = half_to_float(half);
        for (std::size_t i = 0; i < kQ4Block / 2; ++i) {
            out[i] = static_cast<float>((in[2 + i] & 0x0F) - 8) * scale;
            out[i + kQ4Block / 2] = static_cast<float>((in[2 + i] >> 4) - 8) * scale;
        }
        out += kQ4Block;
    }
}

Result<std::unique_ptr<MappedFile>> MappedFile::open(const std::filesystem::path& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return fail(errno_error(path.string(), errno));
    struct stat info{};
    if (::fstat(fd.get(), &info) != 0) return fail(errno_error(path.string(), errno));
    if (!S_ISREG(info.st_mode) || info.st_size == 0)
        return fail(ErrorCode::invalid_argument, path.string() + " is no file with contents");
    const auto size = static_cast<std::size_t>(info.st_size);
    void* const at = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
    if (at == MAP_FAILED) return fail(errno_error(path.string(), errno));
    return std::unique_ptr<MappedFile>(
        new MappedFile(Bytes(static_cast<const std::uint8_t*>(at), size)));
}

MappedFile::~MappedFile() {
    ::munmap(const_cast<std::uint8_t*>(bytes_.data()), bytes_.size());
}

}  // namespace ac::embedded
