"""The service satisfies what the API needs of it; mypy checks it here."""

from tests.support.fake_service import FakeService

from cwproxy.api import seam
from cwproxy.service import Service


def accepts(service: type[seam.Service]) -> type[seam.Service]:
    return service


def test_both_services_fit() -> None:
    assert accepts(Service) is Service
    assert accepts(FakeService) is FakeService
