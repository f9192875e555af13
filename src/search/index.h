#pragma once
// Hybrid full-text and vector search over short texts that belong to spaces (a memory's namespaces)
// and happened at a time. A space is a partition of its own: a query reads only the spaces that it
// names, and word statistics come from those alone, so no space can be probed through another.
//
// The score of a document joins the BM25 scores of its words and of words that are spelt like those
// of the question, and its vector similarity where there is an embedder, each as a share of the
// best in the query; it gets a part of its neighbours' scores, of what was said just before and
// after, within one episode (documents of a space less than `episode_gap` apart), and a part of
// what the episode as a whole and its best document score. docs/design/0008-memory.md has the
// measurements behind each part.
//
// Thread-safe: searches run side by side, changes one at a time.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "search/aside.h"
#include "search/embedder.h"
#include "search/tokenizer.h"

namespace ac::search {

using Key = std::int64_t;

struct Document {
    Key key = 0;  // the caller's; unique in the index
    std::string space;
    std::string text;
    std::int64_t time_ms = 0;   // epoch; also indexed as words (May 2023)
    std::vector<float> vector;  // of the text; empty: see attach()
};

// Which spaces a query reads.
struct SpaceFilter {
    enum class Kind { all, exact, path };  // path: the space itself and what lies below it
    Kind kind = Kind::all;
    std::string space;
    bool matches(std::string_view candidate) const;
};

struct Query {
    std::string text;
    std::vector<float> vector;           // of the text; empty: words only, or
    const Embedder* embedder = nullptr;  // makes it, while the words are looked for
    SpaceFilter spaces;
    std::size_t limit = 10;
    // Called for candidates, best first, until `limit` were accepted. Empty: all.
    std::function<bool(Key)> accept;
};

struct Hit {
    Key key = 0;
    double score = 0;  // (0, 1]; comparable within one answer, roughly across answers
};

struct Tuning {
    double word_k1 = 0.9;
    double word_b = 0.5;
    // Words as they are written, each with those that are like it.
    double form_k1 = 0.6;
    double form_b = 0.5;
    double form_weight = 0.6;  // against 1 - form_weight of the words
    // Scores up to this share of a full match are what unrelated words have in common.
    double form_floor = 0.05;
    // Words with at least this share of their n-grams in common are alike.
    double likeness_min = 0.3;
    double vector_weight = 0.6;
    std::vector<double> neighbour_weights = {0.35, 0.25, 0.15, 0.1};
    double episode_weight = 0.5;
    double highlight_weight = 0.1;  // of the best document of the episode
    double episode_b = 1;           // long talks have every word; the words' own k1
    // A question that names a person is mostly about what that person said.
    double speaker_weight = 0.4;
    // Words that go together with those of the question in what the query reads, and what they
    // count; looked for among so many documents, at so many places of the question's words.
    std::size_t associates_max = 2;
    double associate_weight = 0.3;
    std::size_t associated_documents_max = 10'000;
    std::size_t associated_places_max = 300;
    // From here on an answer names every episode once before it names one again.
    std::size_t broad_from = 50;
    std::chrono::milliseconds episode_gap = std::chrono::minutes(30);

    // What a query may cost in a large space. Below these numbers an answer is exact; above, the
    // benchmark search_index_bench tells what is lost.
    std::size_t postings_max = 3'000'000;  // read for the words, and again for the forms
    std::size_t completed_max = 2'000;     // documents in which terms left out before are looked up
    std::size_t vectors_max = 200;         // nearest vectors looked for, once there is a graph
    std::size_t compared_max = 400;        // best episodes where further vectors are looked at,
    std::size_t compared_each = 250;       // and one more for so many episodes
    std::size_t graph_from = 75'000;       // vectors of a space; search_vectors_bench
};

// A document taken apart, which is half the work of adding it and needs no index.
struct Analysis {
    Document document;
    std::vector<Word> forms;
    std::string speaker;  // the word that names who says it; empty: nobody
};
Analysis analyse(Document document);

// When a vector gets its place in its space's graph, which takes a millisecond where there are a
// million; until then searches scan it.
enum class Linking { now, later };

class Index {
  public:
    virtual ~Index() = default;
    // Adds, or replaces the document of that key.
    virtual void put(Analysis analysis, Linking linking) = 0;
    void put(Analysis analysis) { put(std::move(analysis), Linking::now); }
    void put(Document document) { put(analyse(std::move(document))); }
    // Gives up to `most` vectors that wait for it their place. False: none waits any more.
    virtual bool link(std::size_t most) = 0;

    // Graphs can be kept outside, so that they need not be linked anew. An image is about a space's
    // keys and vectors, whatever their order and whoever came and went since.
    struct GraphState {
        std::string space;
        std::size_t vectors = 0;
        std::size_t linked = 0;     // of them
        std::uint64_t changes = 0;  // grows; an image of as many is up to date
    };
    // Of spaces with a graph, or vectors enough for one.
    virtual std::vector<GraphState> graphs() const = 0;
    struct GraphImage {
        std::string bytes;
        std::uint64_t changes = 0;
    };
    virtual GraphImage graph_image(std::string_view space) const = 0;  // no bytes: it has no graph
    // Takes over what the image has of the space's vectors: their number. The bytes may be
    // anything. invalid_argument: they are no image of such vectors; the graph is as before.
    virtual Result<std::size_t> restore_graph(std::string_view space, std::string_view image) = 0;
    virtual void remove(Key key) = 0;  // absent is fine
    virtual bool contains(Key key) const = 0;
    // The vector of a document that was put without: making one may take longer than a caller
    // should wait. Absent or with a vector already: nothing happens. One dimension an index.
    virtual void attach(Key key, std::span<const float> vector) = 0;
    virtual std::vector<Hit> search(const Query& query) const = 0;

    struct Statistics {
        std::size_t documents = 0;
        std::size_t spaces = 0;
        std::size_t bytes = 0;  // of the larger structures
    };
    virtual Statistics statistics() const = 0;
};

// `embedder` outlives the index and makes the vectors that documents and queries come without;
// nullptr: those are found by words only. A search of many documents hands a part of its work to
// `post`, if there is one.
std::unique_ptr<Index> make_index(const Embedder* embedder, Tuning tuning = {}, Post post = {});

}  // namespace ac::search
