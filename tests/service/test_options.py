from cwproxy.service import Options


def test_by_default_nothing_of_this_machine_is_told_and_no_picture_is_touched() -> None:
    options = Options()
    assert options.pictures is None
    assert options.workspace.directory is None
    assert options.request_seconds < 600
