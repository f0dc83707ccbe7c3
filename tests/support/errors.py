"""Every class of errors that is raised on purpose."""

from typing import Final

from cwproxy import errors


def every_class(base: type[errors.CwproxyError] = errors.CwproxyError) -> list[type[errors.CwproxyError]]:
    return [base, *(kind for child in base.__subclasses__() for kind in every_class(child))]


OWN: Final = [kind for kind in every_class() if kind.__module__ == errors.__name__]
