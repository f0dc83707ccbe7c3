"""The page behind `verificationUriComplete`: a person sees who asks for what, and says yes or no.

No scripts, no external assets; the style is allowed by its hash, so that nothing else is.
"""

import base64
import hashlib
from html import escape
from urllib.parse import parse_qs

from cwproxy.simulator.accounts import BUILDER_ID_START_URL
from cwproxy.simulator.envelope import Reply
from cwproxy.simulator.grants import DeviceGrant, Grants
from cwproxy.simulator.request import Request

PATH = "/device"

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1.0625rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 3rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; }
.note { border-left: .25rem solid #b45309; padding: .25rem .75rem; }
.code { font: 600 2rem/1.2 ui-monospace, monospace; letter-spacing: .08em; margin: 1rem 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; }
dt { font-weight: 600; } dd { margin: 0; overflow-wrap: anywhere; }
form { display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; margin-top: 1.5rem; }
button, input { font: inherit; padding: .6rem 1.4rem; border-radius: .4rem; border: 2px solid #1d4ed8; }
button.yes { background: #1d4ed8; color: #fff; }
button.no { background: transparent; color: inherit; }
button:focus-visible, input:focus-visible { outline: 3px solid #f59e0b; outline-offset: 2px; }
label { display: block; font-weight: 600; }
input { box-sizing: border-box; width: 100%; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = [
    ("content-type", "text/html; charset=utf-8"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cache-control", "no-store"),
]


def answer(grants: Grants, request: Request) -> Reply:
    """GET shows the login with the code in the query, or asks for the code; POST decides it."""
    if request.method == "GET":
        return _show(grants, request.query.get("user_code", ""))
    if request.method != "POST":
        return page(405, "Method not allowed", "<p>Open this page with a browser.</p>")
    if request.headers.get("origin") not in (None, request.base_url):
        return page(403, "Refused", "<p>The decision must come from this page itself.</p>")
    return _decide(grants, request.body)


def _show(grants: Grants, user_code: str) -> Reply:
    if not user_code:
        return page(200, "Sign in to a device", _CODE_FORM)
    grant = grants.pending(user_code)
    if grant is None:
        return _unknown_code()
    return page(200, "Allow this program to use your account?", _question(grant))


def _decide(grants: Grants, body: bytes) -> Reply:
    form = parse_qs(body.decode("utf-8", "replace"))
    grant = grants.pending(form.get("user_code", [""])[0])
    if grant is None:
        return _unknown_code()
    match form.get("decision", [""])[0]:
        case "approve":
            account = grants.approve(grant)
            text = f"<p>Signed in as <strong>{escape(account.email)}</strong>. You can close this page.</p>"
            return page(200, "Request approved", text)
        case "deny":
            grants.deny(grant)
            return page(200, "Request denied", "<p>Nothing was allowed. You can close this page.</p>")
        case _:
            return page(400, "No decision", _question(grant))


def _unknown_code() -> Reply:
    text = '<p role="alert">This code is unknown, was already used, or has expired.</p>'
    return page(404, "Code not found", text + _CODE_FORM)


def _question(grant: DeviceGrant) -> str:
    scopes = ", ".join(grant.client.scopes if grant.client else ()) or "(none)"
    return f"""<p>Go on only if this code is also shown by the program that you started.</p>
<p class="code">{escape(grant.user_code)}</p>
<dl>
<dt>Program</dt><dd>{escape(grant.client.name if grant.client else "kiro-cli")}</dd>
<dt>Account</dt><dd>{escape(_account(grant))}</dd>
<dt>Start URL</dt><dd>{escape(grant.start_url or "(none)")}</dd>
<dt>May use</dt><dd>{escape(scopes)}</dd>
</dl>
<form method="post" action="{PATH}">
<input type="hidden" name="user_code" value="{escape(grant.user_code)}">
<button class="yes" type="submit" name="decision" value="approve">Approve</button>
<button class="no" type="submit" name="decision" value="deny">Deny</button>
</form>"""


def _account(grant: DeviceGrant) -> str:
    if grant.provider is not None:
        return grant.provider
    return "AWS Builder ID" if grant.start_url == BUILDER_ID_START_URL else "IAM Identity Center"


_CODE_FORM = f"""<form method="get" action="{PATH}">
<div><label for="user_code">Code shown by the program</label>
<input id="user_code" name="user_code" required autocomplete="off" autocapitalize="characters" size="11"></div>
<button class="yes" type="submit">Continue</button>
</form>"""


def page(status: int, title: str, content: str, *, form_action: str = "") -> Reply:
    """A page that says whose it is. form_action: where its form may lead besides this server itself."""
    html = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p class="note">This is the cwproxy simulator, not AWS. No real account is involved.</p>
{content}
</main>
</body>
</html>
"""
    targets = ("'self'", form_action) if form_action else ("'self'",)
    policy = (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action {' '.join(targets)};"
        " base-uri 'none'; frame-ancestors 'none'"
    )
    return Reply(status, html.encode(), [*_HEADERS, ("content-security-policy", policy)])
