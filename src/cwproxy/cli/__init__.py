"""The command line. Every command imports what it needs when it runs, so that `--help` is quick.

Exit codes: 0 done, 1 failed, 2 wrong usage or settings, also an address that cannot be listened on (reliability.md
3F 132), 130 interrupted.
"""

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the `cwproxy` command and exit. arguments: by default, those of the process."""
    import gc
    import sys

    serving = arguments is None and sys.argv[1:2] == ["serve"]
    if serving:
        from cwproxy.cli.allocator import use_system_allocator

        use_system_allocator()
        # Nothing that the imports make is garbage; the server turns it on when it has started.
        gc.disable()
    from cwproxy.errors import CwproxyError, SettingsError

    try:
        if serving:
            from cwproxy.cli.starting import import_less

            import_less()
        from cwproxy.cli.app import app

        app(args=arguments, prog_name="cwproxy")
    except SettingsError as error:
        print(f"error: {error.message}", file=sys.stderr)
        sys.exit(2)
    except CwproxyError as error:
        print(f"error: {error.message}", file=sys.stderr)
        sys.exit(1)
    except ImportError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in ("", "cwproxy"):
            raise
        print(
            f"error: The installation is incomplete: the package {missing!r} is missing or too old. Install cwproxy "
            "again (`pipx install --force .`, `pip install .`, or `make check` in a checkout).",
            file=sys.stderr,
        )
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
