#pragma once
// What `python -c` runs in place of an agent's file.

#include <string_view>

namespace ac::cli {

// The file runs as __main__. Whatever port its server was given, it listens on PORT of loopback:
// uvicorn is what serves the SDK's apps, MCP's, A2A's and AG-UI's. A file that only defines `app`
// is served as well. Standard input is held by `agentcore dev`: when that ends, however it ends, so
// does this group of processes.
inline constexpr std::string_view kPythonStart = R"(
import os, runpy, signal, sys, threading

def follow(held=os.dup(0)):
    while os.read(held, 4096):
        pass
    os.killpg(0, signal.SIGTERM)

threading.Thread(target=follow, daemon=True).start()
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
path, port = sys.argv[1], int(os.environ['PORT'])
sys.argv = sys.argv[1:]
sys.path[0:1] = [os.path.dirname(os.path.abspath(path)), os.getcwd()]
served = False
try:
    import uvicorn
except ImportError:
    uvicorn = None
else:
    configure = uvicorn.Config.__init__

    def here(self, *args, **kwargs):
        global served
        served = True
        configure(self, *args, **kwargs)
        self.host, self.port, self.uds, self.fd = '127.0.0.1', port, None, None

    uvicorn.Config.__init__ = here
names = runpy.run_path(path, run_name='__main__')
if not served and uvicorn and callable(names.get('app')):
    uvicorn.run(names['app'])
elif not served:
    sys.exit(f'{path} ended without serving: it neither runs a server nor defines app')
)";

}  // namespace ac::cli
