from cwproxy.service.trailers import TRAILERLESS, Trailers


def test_trailers_are_expected_until_some_were_missing_and_for_good_once_one_was_seen() -> None:
    trailers = Trailers()
    for _ in range(TRAILERLESS):
        assert trailers.expected
        trailers.missing += 1
    assert not trailers.expected
    trailers.seen = True
    assert trailers.expected
