from cwproxy.auth.services import LoginServices
from cwproxy.auth.social import Provider


async def _page(services: LoginServices, region: str) -> str:
    web = services.web()
    try:
        return services.social(region, web).page(Provider.GOOGLE, redirect_uri="u", challenge="c", state="s")
    finally:
        await web.aclose()


async def test_one_endpoint_stands_for_all_of_them(anyio_backend: str) -> None:
    services = LoginServices("http://127.0.0.1:9/{region}")
    assert (await _page(services, "eu-west-1")).startswith("http://127.0.0.1:9/eu-west-1/login?")
    assert (await _page(LoginServices(), "us-east-1")).startswith("https://prod.us-east-1.auth.desktop.kiro.dev/login?")
    oidc = services.oidc("eu-west-1")
    assert oidc.region == "eu-west-1"
    await oidc.aclose()
