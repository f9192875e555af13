"""Expiry: reads and writes that go on while many events expire at one moment."""
import sqlite3
import threading
import time
from contextlib import closing

CALLS_A_SECOND = 100
AFTER_SECONDS = 5


def database(folder, mode):
    return closing(sqlite3.connect(f"file:{folder}/data/agentcored.sqlite?mode={mode}", uri=True,
                                   timeout=60))


def expire_now(folder):
    """Every event that there is, while no daemon runs."""
    with database(folder, "rw") as opened, opened:
        opened.execute("UPDATE memory_events SET expires_at = ?", (int(time.time() * 1000) - 1,))


def left(folder):
    with database(folder, "ro") as opened:
        return opened.execute("SELECT COUNT(*) FROM (SELECT 1 FROM memory_events WHERE "
                              "expires_at <= ? LIMIT 1)", (int(time.time() * 1000),)).fetchone()[0]


def paced(api, request, ended, times):
    began = time.perf_counter()
    number = 0
    while not ended.is_set():
        time.sleep(max(0, began + number / CALLS_A_SECOND - time.perf_counter()))
        times.append(api.send(request)[1])
        number += 1


def calls_until(apis, requests, is_over):
    """Milliseconds of each call of each of `requests`, sent side by side until `is_over()`."""
    ended, times = threading.Event(), [[] for _ in requests]
    threads = [threading.Thread(target=paced, args=(api, request, ended, taken))
               for api, request, taken in zip(apis, requests, times)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    while not is_over(time.perf_counter() - began):
        time.sleep(0.2)
    seconds = time.perf_counter() - began
    ended.set()
    for thread in threads:
        thread.join()
    return seconds, times
