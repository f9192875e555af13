#pragma once
// What nearly every file includes, for AC_PRECOMPILE (cmake/AcModule.cmake): a build without
// optimization takes a third of the time with it. Files include what they use all the same: the
// release preset is built without, and fails where one does not.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <expected>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <boost/asio.hpp>
#include <boost/json.hpp>
