"""Ways of proving who we are. The seam to the rest is `httpx.Auth`; boto3 stays in here."""
