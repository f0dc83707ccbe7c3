"""Your own Amazon Q Developer, CodeWhisperer or Kiro account behind the APIs that tools already speak."""

__version__ = "0.1.0"
