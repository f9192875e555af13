#pragma once
// The search index of every memory's records, in memory, built from the database. Until a memory's
// index is complete, a search reads the records that it is about from the database and answers from
// an index made for that one search: the same answer, slower. Where those are so many that this
// would take as long as the rest of the building, it waits for that instead.
//
// Thread-safe. A record must be durable before put() is called for it.

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include "memory/context.h"
#include "search/index.h"

namespace ac::memory {

// Whose vectors records are also found by. Vectors of different names are not comparable.
struct NamedEmbedder {
    const search::Embedder* embedder = nullptr;
    std::string name;
};

class RecordIndex final {
  public:
    struct Hit {
        std::int64_t key = 0;
        double score = 0;
    };

    // `context` and what `embedder` names outlive the index; without one: words only.
    struct Listener {
        // Of records, by memory and key, that came without their vector.
        std::function<void(std::int64_t, std::int64_t)> on_vectorless;
        std::function<void()> on_change;  // records came, changed or went, durably
    };
    RecordIndex(Context& context, NamedEmbedder embedder, Listener listener)
        : context_(context), embedder_(std::move(embedder)), listener_(std::move(listener)) {}

    // nullptr: there is none.
    const NamedEmbedder* embedder() const { return embedder_.embedder ? &embedder_ : nullptr; }

    // A memory without records: complete at once.
    void add_memory(std::int64_t memory);
    void drop_memory(std::int64_t memory);
    void put(std::int64_t memory, const Record& record);
    // The same for a batch, off the caller's loop.
    Task<> put_all(std::int64_t memory, std::vector<Record> records);
    void remove(std::int64_t memory, std::int64_t key);
    // Of records that a search found and the database has not (any more).
    void forget_gone(std::int64_t memory, std::span<const std::int64_t> keys);
    void attach(std::int64_t memory, std::int64_t key, std::span<const float> vector);

    // Reads a memory's records until its index is complete, unless another task does so already.
    Task<> load(std::int64_t memory);
    // After load(): gives up to `most` vectors their places in graphs, where they are many. False:
    // none waits for one.
    Task<bool> link(std::int64_t memory, std::size_t most);
    std::vector<std::int64_t> memories() const;
    // nullptr: there is none.
    std::shared_ptr<search::Index> index_of(std::int64_t memory) const;
    bool is_complete(std::int64_t memory) const;
    bool contains(std::int64_t memory, std::int64_t key) const;

    struct Answer {
        std::vector<Hit> hits;  // best first, at most query.topk
        // Whether the search looked at the record with that key as it is indexed now.
        std::function<bool(std::int64_t)> saw;
    };
    Task<Answer> search(std::int64_t memory, RecordQuery query);

    struct Statistics {
        std::size_t memories = 0;
        std::size_t complete = 0;
        std::size_t records = 0;
        std::size_t bytes = 0;
    };
    Statistics statistics() const;

  private:
    // What filters look at; kept only for records that have any of it.
    struct Attributes {
        std::string strategy;
        RecordMetadata metadata;
    };
    struct Shard {
        explicit Shard(std::unique_ptr<search::Index> made) : index(std::move(made)) {}
        std::unique_ptr<search::Index> index;
        mutable std::mutex mutex;  // guards all below
        std::unordered_map<std::int64_t, Attributes> attributes;
        // Changed since loading began: what is read from the database may be older.
        std::unordered_set<std::int64_t> changed;
        bool is_complete = false;
        bool is_being_read = false;  // see Turn
        WallTime followed;           // what others wrote before is in the index
        // Of records that were changed of late, by key, as far as they are in the index.
        std::unordered_map<std::int64_t, ChangedRecord> revisions;
        std::uint64_t puts = 0;
        std::deque<std::int64_t> latest_puts;  // the last kLatestPuts of them, by key

        void apply(const Record& record);
        void remove(std::int64_t key);
        bool accepts(std::int64_t key, const RecordQuery& query) const;
        // After it is in `index`; the caller holds the mutex.
        void note_put(std::int64_t key);
        // Whether a search that began after so many puts found the record as it is now.
        bool saw(std::int64_t key, std::uint64_t puts_before) const;
    };
    // One task at a time reads what an index lacks; the others go on with what there is.
    class Turn final {
      public:
        explicit Turn(std::shared_ptr<Shard> shard);
        ~Turn();
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;
        explicit operator bool() const { return is_mine_; }

      private:
        std::shared_ptr<Shard> shard_;
        bool is_mine_ = false;
    };

    struct Loaded {
        std::vector<Record> records;
        std::unordered_map<std::int64_t, std::vector<float>> vectors;  // of those that have one
    };
    using Analyses = std::vector<search::Analysis>;
    // Takes a page's texts apart on every processor; those without vector are reported.
    Task<Analyses> analyse(std::int64_t memory, Loaded& page);
    Task<Loaded> read_page(std::int64_t memory, std::optional<SpaceSelection> spaces,
                           std::int64_t after);

    std::shared_ptr<Shard> make_shard() const;
    std::shared_ptr<Shard> shard(std::int64_t memory);
    std::shared_ptr<Shard> find(std::int64_t memory) const;
    Task<std::shared_ptr<Shard>> load_spaces(std::int64_t memory, SpaceSelection spaces);
    static search::Document document_of(const Record& record, std::vector<float> vector);
    // Adds what other processes stored and changed since the last time: a search looks for it, not
    // more often than kFollowPause. What they deleted is noticed when it is found: forget_gone().
    Task<> follow(std::int64_t memory);
    Task<std::vector<std::int64_t>> unknown_since(std::int64_t memory, WallTime since);
    Task<std::vector<ChangedRecord>> changed_since(std::int64_t memory, WallTime since);
    // Reads records anew; those that have gone leave the index.
    Task<> refresh(std::int64_t memory, std::vector<std::int64_t> keys);
    Task<std::shared_ptr<Shard>> shard_for(std::int64_t memory, SpaceSelection spaces);

    Context& context_;
    NamedEmbedder embedder_;
    Listener listener_;
    mutable std::mutex mutex_;  // guards shards_
    std::unordered_map<std::int64_t, std::shared_ptr<Shard>> shards_;
};

}  // namespace ac::memory
