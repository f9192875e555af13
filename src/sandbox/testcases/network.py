# Loopback only: no neighbour, no outside, no name service, no metadata service.
holds("lo is the only interface", [name for _, name in socket.if_nameindex()] == ["lo"])
for address in (("169.254.169.254", 80), ("1.1.1.1", 53), ("10.0.0.1", 22),
                ("192.168.0.1", 80), ("127.0.0.1", int(os.environ["HOST_PORT"]))):
    s = socket.socket()
    s.settimeout(5)
    refused(f"connect to {address[0]}", lambda: s.connect(address), errno.ENETUNREACH,
            errno.ECONNREFUSED, errno.EHOSTUNREACH)
s = socket.socket(socket.AF_INET6)
refused("connect over IPv6", lambda: s.connect(("fd00:ec2::254", 80)))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
refused("send a datagram", lambda: s.sendto(b"x", ("8.8.8.8", 53)), errno.ENETUNREACH)
try:
    socket.getaddrinfo("example.com", 80)
    escaped("a name was resolved")
except socket.gaierror:
    contained("no name is resolved")
holds("localhost resolves", socket.gethostbyname("localhost") == "127.0.0.1")
s = socket.socket(socket.AF_UNIX)
refused("abstract socket of the host", lambda: s.connect("\0" + os.environ["HOST_ABSTRACT"]),
        errno.ECONNREFUSED, errno.EPERM)
KINDS = {
    "raw IP": (socket.AF_INET, socket.SOCK_RAW, 1),
    "raw IPv6": (socket.AF_INET6, socket.SOCK_RAW, 58),
    "packet": (17, socket.SOCK_RAW, 0), "packet datagram": (17, socket.SOCK_DGRAM, 0),
    "vsock": (40, socket.SOCK_STREAM, 0), "AF_ALG": (38, 5, 0), "bluetooth": (31, 3, 0),
    "netlink audit": (16, 3, 9), "netlink netfilter": (16, 3, 12), "netlink generic": (16, 3, 16),
    "netlink uevent": (16, 3, 15), "XDP": (44, 3, 0), "RDS": (21, 5, 0), "TIPC": (30, 5, 0),
    "CAN": (29, 3, 1), "key": (15, 3, 2), "KCM": (41, 2, 0), "SMC": (43, 1, 0),
}
for name, (family, kind, protocol) in KINDS.items():
    refused(f"{name} socket", lambda: socket.socket(family, kind, protocol), errno.EPERM,
            errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT)
import fcntl
s = socket.socket()
REQUESTS = {"take lo down": 0x8914, "add a route": 0x890B, "name an address": 0x8916}
for name, request in REQUESTS.items():
    refused(name, lambda: fcntl.ioctl(s, request, struct.pack("16sh22x", b"lo", 0)), errno.EPERM)
