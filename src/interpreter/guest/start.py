"""Starts the session's agent. Its standard output is the channel to the daemon."""
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def hide(hidden):
    """Whether processes of the same user may look into this one."""
    import ctypes
    ctypes.CDLL(None).prctl(4, 0 if hidden else 1, 0, 0, 0)  # PR_SET_DUMPABLE


def main():
    options = json.loads(sys.argv[1])
    sys.path.insert(0, HERE)
    from agentcored_guest import agent, agentcored_template
    sys.path.remove(HERE)
    if options.get("freeze"):
        agentcored_template.begin()
        agent.preload(options["preload"])
        # From here on in each session's guest, with that guest's options.
        options = json.loads(agentcored_template.freeze()[0])
    elif options.get("library", -1) >= 0:
        agentcored_template.load(f"/proc/self/fd/{options['library']}")
    channel = os.dup(1)
    os.set_inheritable(channel, False)
    os.dup2(2, 1)
    hide(True)
    options["hide"] = hide
    agent.main(channel, options)


main()
