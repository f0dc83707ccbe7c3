"""nginx as a byte relay with one worker: the floor of what a proxy costs on this machine."""

import shutil
import socket
from pathlib import Path

INSTALL = "nginx is not on the PATH: `apt-get install nginx-light` gives the figures that compare with it"

_CONF = """
daemon off;
master_process off;
worker_processes 1;
worker_rlimit_nofile {files};
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
events {{ worker_connections {connections}; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 64m;
    keepalive_requests 10000000;
    tcp_nodelay on;
    upstream backend {{
        server 127.0.0.1:{backend_port};
        keepalive 2048;
        keepalive_requests 10000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://backend;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
        }}
    }}
}}
"""


def find() -> str | None:
    """The path of the nginx program."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def command(program: str, folder: Path, backend_port: int, files: int) -> tuple[list[str], int]:
    """Write a configuration into `folder`; the command that runs it, and the port it will listen on.

    nginx cannot choose a free port itself, so one is chosen here and left free for it.
    """
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    conf = folder / "nginx.conf"
    conf.write_text(
        _CONF.format(folder=folder, files=files, connections=min(files, 8192), backend_port=backend_port, port=port)
    )
    return [program, "-p", str(folder), "-c", str(conf), "-e", str(folder / "error.log")], port
