"""Who may call: logins, their tokens, and which of them is next."""
