#pragma once
// What is said in the messages of InvokeAgentRuntimeCommandShell: a byte for the channel, then its
// payload. The channels are those of Kubernetes' v5.channel.k8s.io; source:
// runtime/shell/protocol.py of the bedrock-agentcore package.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sandbox/command.h"
#include "sandbox/outcome.h"

namespace ac::runtime {

enum class ShellChannel : std::uint8_t {
    standard_input = 0x00,
    standard_output = 0x01,
    diagnostics = 0x02,  // text of the platform
    status = 0x03,
    resize = 0x04,
    heartbeat = 0x05,
    close = 0xff,
};

std::string shell_message(ShellChannel channel, std::string_view payload = {});

// Why a shell is over. Neither: its session ended.
struct ShellEnd {
    std::optional<int> exit_code;
    std::optional<int> signal;  // exit_code is then 128 and it
};
ShellEnd shell_end(const sandbox::Outcome& outcome);

// Payloads of channel status.
std::string connected_status(std::string_view shell_id, bool reconnected);
std::string ended_status(const ShellEnd& end);

// {"width": columns, "height": rows}; invalid_argument.
Result<sandbox::TerminalSize> parse_resize(std::string_view payload);

// 1 to 128 letters, digits, "-" and "_", the first a letter or digit; invalid_argument.
Result<> check_shell_id(std::string_view id);

}  // namespace ac::runtime
