"""How a command that stays up is ended: Ctrl-C and SIGTERM, told to whoever waits."""

from __future__ import annotations

import signal
import socket
import threading

_ENDING = (signal.SIGINT, signal.SIGTERM)


def until_signalled() -> threading.Event:
    """An event that Ctrl-C or SIGTERM sets, from now on; to be called once a process, in its main thread.

    Set by a thread of its own: a handler runs in the main thread, between any two of its steps, so also while that
    holds the lock of the very event it waits for, and would stand still for ever.
    """
    stop = threading.Event()
    woken, wakes = socket.socketpair()
    wakes.setblocking(False)
    signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
    for one in _ENDING:
        signal.signal(one, lambda *_: None)
    threading.Thread(target=_pass_on, args=(woken, wakes, stop), name="signals", daemon=True).start()
    return stop


def _pass_on(woken: socket.socket, _wakes: socket.socket, stop: threading.Event) -> None:
    """Set *stop* at each signal *woken* is told of, until the process ends; both ends stay open as long."""
    while True:
        if woken.recv(1)[0] in _ENDING:
            stop.set()
