from cwproxy.service import Options


def test_by_default_nothing_of_this_machine_is_told_and_no_picture_is_touched() -> None:
    options = Options()
    assert options.pictures is None
    assert options.workspace.directory is None
    assert options.request_seconds < 600


def test_what_is_said_of_a_model_counts_more_than_what_is_said_of_all() -> None:
    options = Options(buffered="calls", buffered_by_model={"mine": "full", "auto": "off"})
    assert options.buffering("mine", "auto") == "full"
    assert options.buffering("other", "auto") == "off"
    assert options.buffering("other", "another") == "calls"
