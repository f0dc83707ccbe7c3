"""Pictures and documents: what their bytes are, and whether a model can be shown them. Pure, and in no dialect."""
