#pragma once
// For tests: a SecretBox with keys of its own.

#include "access/secret_box.h"
#include "crypto/testing/rotating_box.h"

namespace ac::access::testing {

using TestBox = ac::testing::RotatingBox<SecretBox>;

}  // namespace ac::access::testing
