"""An API key in the vault and back: the guide's listing, with python/ on the path (see there)."""
from bedrock_agentcore.identity import IdentityClient

identity_client = IdentityClient(region_name="us-west-2")

identity_client.store_credential(
    name="github_token",
    credential_type="api_key",
    value="ghp_example"
)

credential = identity_client.get_credential("github_token")
print(f"{len(credential)} characters, {credential[:4]}...")
