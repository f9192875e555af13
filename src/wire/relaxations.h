#pragma once
// Where we accept more than AWS's model allows, because programs written for us, or AWS's own
// documentation, need it. Everything else is validated as the model says. A relaxed shape is a copy
// of the table's; the tables stay AWS's.

#include <deque>
#include <unordered_map>
#include <vector>

#include "wire/operation.h"

namespace ac::wire {

class Relaxations final {
  public:
    Relaxations();
    Relaxations(const Relaxations&) = delete;
    Relaxations& operator=(const Relaxations&) = delete;

    // What to validate instead of `shape`; mostly itself.
    const Shape& effective(const Shape& shape) const {
        const auto found = relaxed_.find(&shape);
        return found == relaxed_.end() ? shape : *found->second;
    }
    // Members that the model does not know are kept, in and out (JSON Schema has more words than
    // AWS's SchemaDefinition).
    bool keeps_unknown_members(const Shape& shape) const;

  private:
    Shape& relax(const Shape& shape);
    // The copy's member of that name, for changing; asserts that there is one.
    Member& relax_member(const Shape& structure, std::string_view member);

    std::deque<Shape> shapes_;
    std::deque<std::vector<Member>> members_;
    std::unordered_map<const Shape*, Shape*> relaxed_;
};

// Every shape that operations reach, once each.
std::vector<const Shape*> all_shapes();

}  // namespace ac::wire
