"""What every inbound API does alike with a request: strict JSON, a table of parameters, content parts, pictures.

Pure, and below the dialects, which share it instead of knowing each other.
"""
