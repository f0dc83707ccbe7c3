"""`python -m cwproxy` is the `cwproxy` command."""

from cwproxy.cli import main

if __name__ == "__main__":
    main()
