#pragma once
// Bounds of access: IAM's documented quotas and lengths
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).

#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace ac::access {

inline constexpr std::size_t kUserNameMax = 64;  // and role names
inline constexpr std::size_t kOtherNameMax = 128;
inline constexpr std::size_t kPathMax = 512;
inline constexpr std::size_t kDescriptionMax = 1000;
inline constexpr std::size_t kTagsMax = 50;
inline constexpr std::size_t kKeysOfUserMax = 2;
inline constexpr std::size_t kAttachedMax = 20;
inline constexpr std::size_t kGroupsOfUserMax = 10;
inline constexpr std::size_t kPolicyVersionsMax = 5;
inline constexpr std::size_t kEntitiesOfAccountMax = 5000;
// Characters without white space.
inline constexpr std::size_t kManagedPolicyMax = 6144;
inline constexpr std::size_t kTrustPolicyMax = 4096;
inline constexpr std::size_t kUserInlineMax = 2048;  // all of them together, as the next two
inline constexpr std::size_t kGroupInlineMax = 5120;
inline constexpr std::size_t kRoleInlineMax = 10'240;
inline constexpr std::size_t kSessionPolicyMax = 2048;
inline constexpr std::size_t kSessionPolicyArnsMax = 10;
// Bytes, of the API model.
inline constexpr std::size_t kResourcePolicyMax = 20'480;
inline constexpr std::size_t kDocumentBytesMax = 131'072;

inline constexpr Seconds kSessionMin{15 * 60};
inline constexpr Seconds kSessionMax{12 * 3600};
inline constexpr Seconds kSessionTokenMax{36 * 3600};
// A chained session (a role assumed by a session of a role).
inline constexpr Seconds kChainedSessionMax{3600};

// Allowed decisions that are remembered, some 500 bytes each.
inline constexpr std::size_t kKnownDecisionsMax = 4096;

// A key's uses are written down this often at most.
inline constexpr Seconds kNoteUseEvery{60};
// How often a daemon looks for what others changed in a common database.
inline constexpr Seconds kRefreshEvery{1};

}  // namespace ac::access
