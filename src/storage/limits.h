#pragma once
// Bounds of the store: every queue, cache and retry has one, with its unit and its reason.

#include <chrono>
#include <cstddef>

namespace ac::storage {

// Transactions waiting for a thread. 64 connections of a busy daemon queue a few hundred; beyond
// this the disk has stalled and callers are better told so (unavailable).
inline constexpr std::size_t kQueuedJobsMax = 16'384;

// Prepared statements kept by one connection. All services together have fewer than this.
inline constexpr std::size_t kPreparedStatementsMax = 512;

// How long a connection waits for another process's lock on the SQLite file (a backup, a tool).
inline constexpr std::chrono::milliseconds kSqliteBusyTimeout{5'000};

// Pages (of 4 KiB) in the write-ahead log before they are moved into the database file: 16 MiB
// keeps the log in the page cache and makes checkpoints rare enough not to show in p99.
inline constexpr int kWalPagesMax = 4'096;

// Group commit: how long the writer waits for the writers of the last group to come back before it
// commits without them. Well under one fdatasync of a real disk.
inline constexpr std::chrono::microseconds kGroupWaitMax{150};

// Runs of one transaction when PostgreSQL reports a serialization failure or a deadlock.
inline constexpr int kSerializationAttemptsMax = 20;
// Runs when the connection broke before COMMIT was sent: one on each side of a server restart.
inline constexpr int kConnectionAttemptsMax = 3;
inline constexpr std::chrono::seconds kPostgresConnectTimeout{5};
// A server that did not answer is not asked again for this long by the same thread.
inline constexpr std::chrono::milliseconds kPostgresConnectPause{100};
// Before a transaction runs again: this, times the attempt, times the number of the thread.
inline constexpr std::chrono::microseconds kPostgresPause{100};

// A blob writer gathers this much before it goes to the disk: one hop to the thread pool a 256 KiB.
inline constexpr std::size_t kBlobBufferBytes = 256 * 1024;

}  // namespace ac::storage
