// SQLite with our errors: one file, one connection, prepared statements. It knows nothing of runs and items.
#pragma once

#include <cstdint>
#include <string>

#include "pipeline/environment_error.h"
#include "pipeline/wire.h"

struct sqlite3;
struct sqlite3_stmt;

namespace tessera::pipeline {

/// Locked by another run, damaged, disk full, not writable: nothing more is written to this journal.
class JournalError : public EnvironmentError {
 public:
  using EnvironmentError::EnvironmentError;
};

class Database {
 public:
  /// Opens or creates the file. Throws JournalError.
  explicit Database(std::string path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void execute(const char* sql);
  std::int64_t last_row_id() const;
  /// The transaction; begin() does nothing inside one. `durable`: its commit waits for the disk; a transaction that
  /// would not is committed first. After any error both throw: what was not committed is lost, and the closing of the
  /// database rolls it back.
  void begin(bool durable = false);
  void commit();
  /// Every commit waits for the disk from now on.
  void make_durable() { always_durable_ = true; }
  /// A sentence with the file and what can be done. `doing`: "be written".
  [[noreturn]] void fail(const char* doing);
  const std::string& path() const { return path_; }

 private:
  friend class Statement;
  std::string path_;
  sqlite3* db_ = nullptr;
  bool open_ = false;    // a transaction is
  bool broken_ = false;  // a write failed
  bool durable_ = false, always_durable_ = false;
};

class Statement {
 public:
  Statement(Database&, const char* sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  /// The next parameter.
  Statement& bind(std::int64_t value);
  Statement& bind(std::uint64_t value) { return bind(static_cast<std::int64_t>(value)); }
  Statement& bind(std::int32_t value) { return bind(static_cast<std::int64_t>(value)); }
  Statement& bind(std::uint32_t value) { return bind(static_cast<std::int64_t>(value)); }
  Statement& bind(bool value) { return bind(std::int64_t{value}); }
  Statement& bind_text(const std::string& text);
  /// Names are bytes, not text: SQLite would trust them to be UTF-8.
  Statement& bind_blob(const void* data, std::size_t bytes);
  Statement& bind_blob(const std::string& bytes) { return bind_blob(bytes.data(), bytes.size()); }
  Statement& bind(const Hash128& hash) { return bind_blob(hash.data(), hash.size()); }

  /// True: a row. Call reset() before binding again.
  bool step();
  void reset();
  /// For statements without rows.
  void run();

  template <class T = std::int64_t>
  T column(int i) const {
    return static_cast<T>(integer(i));
  }
  std::string bytes(int i) const;
  Hash128 hash(int i) const;

 private:
  std::int64_t integer(int i) const;
  Database& database_;
  sqlite3_stmt* statement_ = nullptr;
  int at_ = 0;
};

}  // namespace tessera::pipeline
