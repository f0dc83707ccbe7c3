"""What is left behind of a request that failed, for people: written only where the settings ask for it."""
