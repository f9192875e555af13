#pragma once
// Connects the operations of Memory to the service: all 21, and our own extension
//
//   POST /x/memories/{memoryId}/rebuild

#include "memory/memory_service.h"
#include "wire/tag_binding.h"

namespace ac::wire {

// `service` outlives `api`.
void bind_memory(Api& api, memory::MemoryService& service);
std::unique_ptr<TagOwner> make_memory_tags(memory::MemoryService& service);

}  // namespace ac::wire
