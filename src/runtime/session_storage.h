#pragma once
// Folders that the sessions of a runtime keep while they are stopped (sessionStorage of
// filesystemConfigurations), one for each mount of a session. Format:
// docs/formats/runtime-folder.md. Guests write there: nothing below is trusted, no link followed.

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/clock.h"
#include "runtime/runtime_service.h"

namespace ac::runtime {

struct StorageUse {
    std::uint64_t bytes = 0;  // as allocated
    std::uint64_t files = 0;
};

class SessionStorage final {
  public:
    explicit SessionStorage(std::filesystem::path folder) : folder_(std::move(folder)) {}

    // The host's folder for `mount_path` of a session, made when it is not there. unavailable.
    Result<std::filesystem::path> open(const SessionAddress& address,
                                       const std::string& mount_path) const;
    // Removes what the sessions of a runtime have kept. None of them runs.
    void forget(const RuntimeId& runtime) const;
    // Removes what no session has opened since then. Before sessions run.
    void prune(WallTime unused_since) const;

  private:
    const std::filesystem::path folder_;
};

// What a tree takes, counted no further than beyond `most`. Folders that their owner may not read
// are made readable.
StorageUse measure_storage(const std::filesystem::path& folder, StorageUse most);

}  // namespace ac::runtime
