"""`plimsoll serve`: the workbench and the API, for browsers and programs."""

import errno
import os
import socket
from pathlib import Path
from typing import Annotated

import typer

from plimsoll.cli.console import now
from plimsoll.domain.errors import SettingError

APP, WORKSPACE = "plimsoll.web.app:from_environment", "PLIMSOLL_WORKSPACE"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
KEEP_S = 75  # seconds that a connection at rest is kept: people read between two clicks, proxies keep 60
LOAD_S = 300  # seconds for which a worker may be busy reading a large plan without being taken for dead
STOP_S = 10  # seconds that requests under way have to end in


def serve(
    folder: Annotated[Path, typer.Argument(metavar="WORKSPACE", help="The workspace directory.")],
    host: Annotated[str, typer.Option("--host", help="Address to listen on; 0.0.0.0 for all.")] = LOOPBACK[0],
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")] = 8000,
    workers: Annotated[
        int,
        typer.Option(
            "--workers", min=1, max=64, help="Processes that answer; each holds the plan in its own memory."
        ),
    ] = 1,
    proxy: Annotated[
        str,
        typer.Option("--proxy", help="Address of the proxy in front, to be believed on https and callers."),
    ] = "",
) -> None:
    """Open the workbench: pages for people, the API for programs. Ctrl-C stops it."""
    import uvicorn

    from plimsoll.workflows.sign_in import SignIn

    door = SignIn(folder)  # a workspace that cannot be used is told before anything listens
    code = door.first_code(at=now())
    door.close()
    listening = _listen(host, port)
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    typer.echo(f"The workbench of {folder} is open at {address}. Ctrl-C stops it.")
    if code:
        typer.echo(f"Nobody can log in yet. Make the first user here, once:\n  {address}/welcome?code={code}")
    if host not in LOOPBACK and not proxy:
        typer.echo("Others can reach it, and without https what they send can be read on the way.", err=True)
    os.environ[WORKSPACE] = str(folder)
    config = uvicorn.Config(
        APP,
        factory=True,
        proxy_headers=bool(proxy),
        forwarded_allow_ips=proxy or None,
        server_header=False,
        access_log=False,  # the guard around the app writes its own, without what people ask for
        log_level="warning",
        timeout_keep_alive=KEEP_S,
        timeout_graceful_shutdown=STOP_S,
        timeout_worker_healthcheck=LOAD_S,
        workers=workers,
    )
    if workers == 1:
        uvicorn.Server(config).run(sockets=[listening])
        return
    from uvicorn.supervisors import Multiprocess

    listening.set_inheritable(True)
    Multiprocess(config, sockets=[listening]).run()


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; raises SettingError for an address or port that cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        what = f"Port {port} of {host} cannot be listened on: {error.strerror or error}."
        is_taken = error.errno == errno.EADDRINUSE
        remedy = f"Use another, such as --port {port + 1}." if is_taken else "Check --host and --port."
        raise SettingError(what, done="Nothing was started.", remedy=remedy) from error
    return listening
