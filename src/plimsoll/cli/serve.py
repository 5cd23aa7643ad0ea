"""`plimsoll serve`: the workbench and the API, for browsers and programs."""

import errno
import os
import socket
import sys
from pathlib import Path
from typing import Annotated, Any

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
    log_file: Annotated[
        Path | None,
        typer.Option("--log-file", help="File that the log is added to; without one it goes to stderr."),
    ] = None,
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
    log = log_config(log_file)
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
        log_config=log,
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
    # All workers together shall have the processors once, not each of them.
    os.environ.setdefault("POLARS_MAX_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))
    shared = _Shared.of(listening) if sys.platform == "linux" else listening
    Multiprocess(config, sockets=[shared]).run()


class _Shared(socket.socket):
    """A place to listen at that each worker opens for itself, so that the system deals out the callers.

    From one socket for all, the worker that wakes first takes everybody who waits. Only Linux deals them
    out evenly.
    """

    @classmethod
    def of(cls, bound: socket.socket) -> "_Shared":
        """Return the place of a bound socket; others of the same user could now listen there too."""
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        return cls(bound.family, bound.type, bound.proto, bound.detach())

    def __reduce__(self) -> tuple[object, ...]:
        """Return how a worker makes its own."""
        return _listen_too, (self.family, self.getsockname())


def _listen_too(family: int, address: tuple[object, ...]) -> socket.socket:
    """Return a socket that listens where others of this server do."""
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listening.bind(address)
    return listening


def log_config(file: Path | None) -> dict[str, Any]:
    """Return how the server logs, for `logging.config`: a line a request and a line an event of the door.

    Requests are told by method, path, answer, time, address and user, without what was asked or sent; of
    log-ins by who and from where. Neither has a password, token or cookie.

    Parameters
    ----------
    file : lines are added to it, and it may be moved away while the server runs; None for stderr

    Raises
    ------
    SettingError : the file cannot be written
    """
    where: dict[str, Any] = {"class": "logging.StreamHandler", "stream": "ext://sys.stderr"}
    if file is not None:
        try:
            os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        except OSError as error:
            what = f"The log '{file}' cannot be written: {error.strerror or error}."
            raise SettingError(what, done="Nothing was started.", remedy="Check --log-file.") from error
        name = str(file.absolute())
        where = {"class": "logging.handlers.WatchedFileHandler", "filename": name, "encoding": "utf-8"}
    heard = {"handlers": ["log"], "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"format": "%(asctime)s %(name)s %(message)s", "datefmt": "%Y-%m-%dT%H:%M:%S%z"}
        },
        "handlers": {"log": where | {"formatter": "line"}},
        "loggers": {
            "plimsoll": heard | {"level": "WARNING"},
            "plimsoll.access": {"level": "INFO"},
            "plimsoll.security": {"level": "INFO"},
            "uvicorn": heard | {"level": "WARNING"},
        },
    }


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
