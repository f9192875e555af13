"""`bedrock_agentcore.identity.IdentityClient` with store_credential() and get_credential()."""
import os

# Who asks for a key outside of a runtime, where the platform has given no workload token.
WORKLOAD = "agentcored-compat"


def _make_client_class(base):
    class IdentityClient(base):
        """The SDK's identity client, with the calls that older samples make."""

        def __init__(self, region_name=None, region=None):
            super().__init__(region_name or region or os.environ.get("AWS_REGION", "us-west-2"))

        def store_credential(self, name, credential_type="api_key", value=None):
            """Stores an API key, or replaces the one of that name; returns the provider."""
            if credential_type != "api_key":
                raise ValueError(
                    f"store_credential() stores credential_type='api_key', not "
                    f"{credential_type!r}; for OAuth2 use create_oauth2_credential_provider()")
            if not value:
                raise ValueError("store_credential() needs a value")
            try:
                return self.cp_client.create_api_key_credential_provider(name=name, apiKey=value)
            except self.cp_client.exceptions.ClientError as error:
                if not _says_it_exists(error):
                    raise
            return self.cp_client.update_api_key_credential_provider(name=name, apiKey=value)

        def get_credential(self, name):
            """The API key that store_credential() stored."""
            answer = self.dp_client.get_resource_api_key(
                resourceCredentialProviderName=name,
                workloadIdentityToken=self._workload_token())
            return answer["apiKey"]

        def _workload_token(self):
            from bedrock_agentcore.runtime import BedrockAgentCoreContext

            token = BedrockAgentCoreContext.get_workload_access_token()
            if token:
                return token
            try:
                self.cp_client.create_workload_identity(name=WORKLOAD)
            except self.cp_client.exceptions.ClientError as error:
                if not _says_it_exists(error):
                    raise
            return self.get_workload_access_token(WORKLOAD)["workloadAccessToken"]

    return IdentityClient


def _says_it_exists(error):
    details = error.response.get("Error", {})
    return details.get("Code") == "ConflictException" or (
        details.get("Code") == "ValidationException"
        and "already exists" in details.get("Message", ""))


def __getattr__(name):
    if name == "IdentityClient":
        from bedrock_agentcore.services.identity import IdentityClient as base

        client = globals()["IdentityClient"] = _make_client_class(base)
        return client
    raise AttributeError(name)


def extend(module):
    """The class is made when it is asked for: the import of the package stays light."""
    if hasattr(module, "IdentityClient"):
        return

    def attribute(name):
        if name == "IdentityClient":
            return __getattr__(name)
        raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

    module.__getattr__ = attribute
