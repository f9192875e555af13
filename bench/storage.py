#!/usr/bin/env python3
"""Durable single-row writes, 64 clients: ours next to SQLite with one commit a row and PostgreSQL.

    bench/storage.py [--seconds N] [--clients N] [--folder FOLDER]

Needs the release build. The folder must be on the disk that is to be measured, not on a tmpfs.
"""
import argparse
import json
import os
import pathlib
import pwd
import re
import shutil
import statistics
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
CLIENTS = ROOT / "build/release/bin/storage_clients"
POSTGRES = pathlib.Path("/usr/lib/postgresql/15/bin")
ROUNDS = 3
TARGET_WRITES = 20_000
TARGET_WRITES_PER_SYNC = 20


def ours(folder, options, group_max):
    done = subprocess.run(
        [CLIENTS, folder, str(options.clients), str(options.seconds), str(group_max)],
        check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


class Cluster:
    """A PostgreSQL that syncs, in a folder of its own; never as root."""

    def __init__(self, folder):
        self.folder = folder / "postgres"
        self.folder.mkdir()
        self.drop = []
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            os.chmod(folder, 0o711)
            self.drop = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]

    def run(self, *command):
        return subprocess.run([*self.drop, *map(str, command)], check=True, text=True,
                              capture_output=True, cwd="/").stdout

    def __enter__(self):
        data, host = self.folder / "data", self.folder
        self.run(POSTGRES / "initdb", "-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8")
        self.run(POSTGRES / "pg_ctl", "-D", data, "-w", "-l", self.folder / "log", "-o",
                 f"-k {host} -c listen_addresses=''", "start")
        return self

    def __exit__(self, *_):
        self.run(POSTGRES / "pg_ctl", "-D", self.folder / "data", "-m", "fast", "-w", "stop")

    def pgbench(self, options):
        connect = ["-h", str(self.folder), "-U", "bench"]
        self.run(POSTGRES / "psql", *connect, "-d", "postgres", "-q", "-c",
                 "DROP TABLE IF EXISTS event; CREATE TABLE event (id BIGSERIAL PRIMARY KEY, "
                 "session BIGINT, body BYTEA)")
        script = self.folder / "insert.sql"
        script.write_text("INSERT INTO event (session, body) VALUES (:client_id, "
                          "decode(repeat('78', 256), 'hex'));\n")
        text = self.run(POSTGRES / "pgbench", *connect, "-n", "-M", "prepared", "-c",
                        options.clients, "-j", 2, "-T", options.seconds, "-f", script, "postgres")
        rate = float(re.search(r"tps = ([\d.]+)", text).group(1))
        latency = float(re.search(r"latency average = ([\d.]+) ms", text).group(1))
        return {"rate": rate, "mean_us": latency * 1000}


def table_row(name, rounds):
    rates = [r["writes"] / r["seconds"] for r in rounds]
    per_sync = statistics.median(r["writes"] / max(r["syncs"], 1) for r in rounds)
    p50 = statistics.median(r["p50_us"] for r in rounds)
    p99 = statistics.median(r["p99_us"] for r in rounds)
    print(f"{name:34}{statistics.median(rates):10.0f}{p50:10.0f}{p99:10.0f}{per_sync:14.1f}")
    return statistics.median(rates), per_sync


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "build")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-storage-", dir=options.folder))
    try:
        grouped, single, postgres = [], [], []
        with Cluster(folder) if POSTGRES.exists() else open(os.devnull) as cluster:
            for _ in range(ROUNDS):
                for name in folder.glob("bench-*"):
                    name.unlink()
                grouped.append(ours(folder, options, 512))
                single.append(ours(folder, options, 1))
                if POSTGRES.exists():
                    postgres.append(cluster.pgbench(options))
    finally:
        shutil.rmtree(folder)
    print(f"{options.clients} clients, rows of 256 bytes, median of {ROUNDS} rounds of "
          f"{options.seconds} s\n")
    print(f"{'':34}{'writes/s':>10}{'p50 us':>10}{'p99 us':>10}{'writes/sync':>14}")
    rate, per_sync = table_row("storage::Database on SQLite", grouped)
    table_row("SQLite, one commit a row", single)
    if postgres:
        tps = statistics.median(r["rate"] for r in postgres)
        mean = statistics.median(r["mean_us"] for r in postgres)
        print(f"{'PostgreSQL 15, pgbench':34}{tps:10.0f}{f'~{mean:.0f}':>10}")
    print(f"\ntarget: {TARGET_WRITES} writes/s: {'met' if rate >= TARGET_WRITES else 'MISSED'}; "
          f"more than {TARGET_WRITES_PER_SYNC} writes a sync: "
          f"{'met' if per_sync > TARGET_WRITES_PER_SYNC else 'MISSED'}")


if __name__ == "__main__":
    main()
