#pragma once
// ListTagsForResource, TagResource and UntagResource: one for all kinds of resources. Each kind has
// an owner, which is told from the resource's ARN.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "wire/api.h"

namespace ac::wire {

using TagMap = std::map<std::string, std::string>;

// Errors: not_found, permission_denied (another account), quota_exceeded, invalid_argument.
class TagOwner {
  public:
    virtual ~TagOwner() = default;
    virtual bool owns(std::string_view arn) const = 0;
    virtual Task<TagMap> tags(Scope scope, std::string arn) = 0;
    virtual Task<> add_tags(Scope scope, std::string arn, TagMap tags) = 0;
    virtual Task<> remove_tags(Scope scope, std::string arn, std::vector<std::string> keys) = 0;
};

// The first owner that owns the ARN answers. The owners live as long as the API.
void bind_tags(Api& api, std::vector<std::unique_ptr<TagOwner>> owners);

}  // namespace ac::wire
