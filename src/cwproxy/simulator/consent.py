"""The pages of logins in a browser of the person's own machine: AWS's `/authorize` (protocol.md 5.4) and Kiro's
`/login` (protocol.md 5.6). A person says yes or no, and the browser goes back with a code or without one.
"""

from html import escape
from urllib.parse import parse_qs, urlsplit

from cwproxy.simulator.accounts import BUILDER_ID_START_URL, PROVIDERS
from cwproxy.simulator.approval import page
from cwproxy.simulator.codes import CodeLogin, Codes
from cwproxy.simulator.envelope import Reply
from cwproxy.simulator.grants import Client, GrantError
from cwproxy.simulator.request import Request

AUTHORIZE, LOGIN, DECIDE = "/authorize", "/login", "/consent"
PATHS = frozenset({AUTHORIZE, LOGIN, DECIDE})


def answer(codes: Codes, request: Request) -> Reply:
    """GET of the first two asks the person, unless logins approve themselves; POST of the third decides."""
    try:
        if request.path == DECIDE and request.method == "POST":
            return _decide(codes, request)
        if request.path == DECIDE or request.method != "GET":
            return page(405, "Method not allowed", "<p>Open this page with a browser.</p>")
        login = _aws(codes, request) if request.path == AUTHORIZE else _kiro(codes, request)
    except GrantError as error:
        return page(400, "Bad request", f'<p role="alert">{escape(error.description)}</p>')
    if codes.grants.options.auto_approve is not None:
        return _redirect(codes.approve(login))
    parts = urlsplit(login.redirect_uri)
    return page(
        200, "Allow this program to use your account?", _question(login), form_action=f"{parts.scheme}://{parts.netloc}"
    )


def _aws(codes: Codes, request: Request) -> CodeLogin:
    query = request.query
    client = codes.grants.known_client(query.get("client_id", ""), request.region)
    if "authorization_code" not in (client.grant_types or ()):
        raise GrantError("unauthorized_client", "Client is not registered for this grant type")
    if query.get("response_type") != "code":
        raise GrantError("invalid_request", "Invalid response type provided")
    if not set(query.get("scopes", "").split()) <= set(client.scopes):
        raise GrantError("invalid_scope", "Invalid scope provided")
    return codes.ask(query, client=client, provider=None, region=request.region)


def _kiro(codes: Codes, request: Request) -> CodeLogin:
    provider = request.query.get("idp")
    if provider not in PROVIDERS:
        raise GrantError("invalid_request", "Invalid identity provider")
    return codes.ask(request.query, client=None, provider=provider, region=request.region)


def _decide(codes: Codes, request: Request) -> Reply:
    if request.headers.get("origin") not in (None, request.base_url):
        return page(403, "Refused", "<p>The decision must come from this page itself.</p>")
    form = parse_qs(request.body.decode("utf-8", "replace"))
    login = codes.waiting(form.get("login", [""])[0])
    if login is None:
        return page(404, "Login not found", '<p role="alert">It was already decided, or has expired.</p>')
    if form.get("decision", [""])[0] == "approve":
        return _redirect(codes.approve(login))
    return _redirect(codes.deny(login))


def _redirect(url: str) -> Reply:
    return Reply(302, b"", [("location", url), ("cache-control", "no-store"), ("referrer-policy", "no-referrer")])


def _question(login: CodeLogin) -> str:
    return f"""<p>Go on only if you have just started the program yourself.</p>
<dl>
<dt>Program</dt><dd>{escape(_program(login.client))}</dd>
<dt>Account</dt><dd>{escape(_account(login))}</dd>
<dt>Goes back to</dt><dd>{escape(login.redirect_uri)}</dd>
</dl>
<form method="post" action="{DECIDE}">
<input type="hidden" name="login" value="{escape(login.number)}">
<button class="yes" type="submit" name="decision" value="approve">Approve</button>
<button class="no" type="submit" name="decision" value="deny">Deny</button>
</form>"""


def _program(client: Client | None) -> str:
    return "a program on this machine" if client is None else client.name


def _account(login: CodeLogin) -> str:
    if login.provider is not None:
        return login.provider
    start_url = login.client.issuer_url if login.client else None
    return "AWS Builder ID" if start_url in (None, BUILDER_ID_START_URL) else f"IAM Identity Center, {start_url}"
