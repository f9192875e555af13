#pragma once
// Which addresses the daemon connects to on behalf of a configuration that a caller wrote
// (discovery documents, token endpoints, webhooks). Names are judged by the addresses that they
// resolve to, at the moment of connecting, so neither DNS nor a redirect leads around it.

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"

namespace ac::net {

class AddressGuard final {
  public:
    // Public addresses only: loopback, private, link-local, shared, multicast and reserved blocks
    // (RFC 6890) are refused, as are IPv6 addresses that embed such an IPv4 address.
    AddressGuard() = default;
    static AddressGuard allow_all();
    // Nothing, public addresses neither, until blocks are allowed.
    static AddressGuard allow_none();

    // A block such as "10.1.0.0/16" or one address, allowed besides. invalid_argument. Link-local
    // addresses, where clouds serve their metadata, can only be allowed by naming a block within
    // theirs.
    Result<> allow(std::string_view block);

    // Which setting a refusal names.
    void set_setting(std::string name) { setting_ = std::move(name); }

    // permission_denied.
    Result<> check(const asio::ip::address& address) const;

  private:
    bool allows_all_ = false;
    bool allows_public_ = true;
    std::string setting_ = "outbound.allow";
    std::vector<asio::ip::network_v4> blocks_v4_;
    std::vector<asio::ip::network_v6> blocks_v6_;
};

}  // namespace ac::net
