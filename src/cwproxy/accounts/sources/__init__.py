"""Logins that live in the files of other programs, which go on using them."""
