"""`NodeResult.message`: the last message of the agent of a graph's node."""


def _message(self):
    result = self.result
    if isinstance(result, Exception):
        raise AttributeError(f"this node failed and has no message: {result}") from result
    return result.message


def extend(module):
    if not hasattr(module.NodeResult, "message"):
        module.NodeResult.message = property(_message)
