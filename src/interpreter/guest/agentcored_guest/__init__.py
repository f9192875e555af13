"""What runs inside a code interpreter session, beside the code of its user."""
