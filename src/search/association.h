#pragma once
// Words that go together: where a word of the question stands, others come again and again, in the
// same documents and in those just before and after. A question for the one finds the others a
// little, too. Learnt from the documents that the query reads, at each question, so it needs no
// table, knows no language, and tells nothing of other spaces.

#include <span>
#include <vector>

#include "search/index.h"
#include "search/partition.h"
#include "search/query_terms.h"

namespace ac::search {

// At most Tuning::associates_max of them, none where the query reads too many documents. `terms` is
// above every TermId.
std::vector<Associate> associates_of(const QueryTerms& words,
                                     std::span<const Partition* const> partitions,
                                     std::size_t terms, const Tuning& tuning);

}  // namespace ac::search
