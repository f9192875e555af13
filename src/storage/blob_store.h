#pragma once
// Content-addressed files on disk: artifacts, uploads, recordings. A blob is named by the SHA-256
// of its bytes, is written once and never changes; equal contents are stored once. After commit()
// the bytes survive power loss. Layout on disk: docs/formats/blobs.md. Thread-safe.

#include <compare>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "async/thread_pool.h"

namespace ac::storage {

struct BlobId {
    std::string sha256;  // 64 lower-case hex digits
    friend auto operator<=>(const BlobId&, const BlobId&) = default;
};

struct BlobInfo {
    BlobId id;
    std::uint64_t size = 0;
    std::string md5;  // hex, for S3 ETags
};

// A blob being written. Destroyed without commit(), nothing remains.
class BlobWriter {
  public:
    virtual ~BlobWriter() = default;
    // unavailable: the disk is full; the writer is then useless.
    virtual Task<> write(std::string_view bytes) = 0;  // bytes live until the Task is done
    // No more bytes: they are durable and their id is known, but nobody can open them yet.
    // Idempotent. Lets a caller take a lock on the id before the blob appears.
    virtual Task<BlobInfo> seal() = 0;
    // seal(), then gives the blob its name.
    virtual Task<BlobInfo> commit() = 0;
};

class BlobReader {
  public:
    virtual ~BlobReader() = default;
    virtual std::uint64_t size() const = 0;
    // Fewer bytes than asked only at the end.
    virtual Task<std::size_t> read_at(std::uint64_t offset, std::span<char> out) = 0;
};

class BlobStore {
  public:
    virtual ~BlobStore() = default;
    virtual Task<std::unique_ptr<BlobWriter>> create() = 0;
    virtual Task<std::unique_ptr<BlobReader>> open(BlobId id) = 0;  // not_found
    virtual Task<> remove(BlobId id) = 0;                           // absent is fine
    // Ids that begin with this byte: one of 256 slices, so that a sweep is bounded.
    virtual Task<std::vector<BlobId>> list(std::uint8_t first_byte) = 0;
    // For tools that must read a file by name (archives). The file must not be changed.
    virtual std::filesystem::path path_of(const BlobId& id) const = 0;
};

// Leftovers of unfinished writes are removed. One store owns a folder at a time: unavailable when
// another one (of this or another process) has it open. `pool` outlives the store and is destroyed
// before the loops of its users.
Result<std::unique_ptr<BlobStore>> open_blob_store(std::filesystem::path folder, ThreadPool& pool);

}  // namespace ac::storage
