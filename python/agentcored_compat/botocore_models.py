"""What boto3 refuses by itself although the server takes it: looser models of two services.

Only what older samples need: short session ids, `enum` in a Gateway tool's schema, a Lambda target
without a function (the server has a local one), and nothing else.
"""


def _loosen_data_plane(shapes):
    session = shapes.get("SessionType")
    if session:
        session["min"] = 1


def _loosen_control_plane(shapes):
    schema = shapes.get("SchemaDefinition")
    if schema and "enum" not in schema.get("members", {}):
        shapes["AgentcoredCompatEnum"] = {"type": "list", "member": {"shape": "String"}}
        shapes.setdefault("String", {"type": "string"})
        schema["members"]["enum"] = {"shape": "AgentcoredCompatEnum"}
    target = shapes.get("McpLambdaTargetConfiguration")
    if target:
        target["required"] = [name for name in target.get("required", []) if name != "lambdaArn"]


LOOSENED = {
    "bedrock-agentcore": _loosen_data_plane,
    "bedrock-agentcore-control": _loosen_control_plane,
}


def extend(module):
    """module: botocore.loaders."""
    original = module.Loader.load_service_model
    if getattr(original, "agentcored_compat", False):
        return

    def load_service_model(self, service_name, type_name, api_version=None):
        model = original(self, service_name, type_name, api_version)
        if type_name == "service-2" and service_name in LOOSENED:
            LOOSENED[service_name](model["shapes"])
        return model

    load_service_model.agentcored_compat = True
    module.Loader.load_service_model = load_service_model
