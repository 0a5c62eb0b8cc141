#include "pipeline/database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "pipeline/printable.h"
#include "workers/fault_point.h"
#include "workers/fd.h"

namespace tessera::pipeline {
namespace {

// Who holds SQLite's lock: SQLite locks bytes from 1 GiB on, and the kernel knows for whom. 0: not known.
int lock_holder(const std::string& path) {
  const workers::Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = 0x40000000;
  lock.l_len = 512;
  if (!fd || fcntl(fd.get(), F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return 0;
  return lock.l_pid;
}

}  // namespace

Database::Database(std::string path) : path_(std::move(path)) {
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(path_.c_str(), &db_, kFlags, nullptr) == SQLITE_OK) return;
  try {
    fail("be opened");
  } catch (...) {
    sqlite3_close(db_);
    throw;
  }
}

Database::~Database() {
  if (open_) sqlite3_exec(db_, broken_ ? "ROLLBACK" : "COMMIT", nullptr, nullptr, nullptr);
  sqlite3_close(db_);
  workers::fault_point("journal.closed");
}

void Database::fail(const char* doing) {
  broken_ = true;
  const std::string path = printable(path_);
  const int code = db_ ? sqlite3_errcode(db_) & 0xff : SQLITE_NOMEM;
  const std::string why = db_ ? sqlite3_errmsg(db_) : "out of memory";
  switch (code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: {
      const int pid = lock_holder(path_);
      throw JournalError(
          fmt::format("another run{} is using the journal {}; wait for it or choose another output folder",
                      pid > 0 ? fmt::format(" (process {})", pid) : "", path));
    }
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      throw JournalError(fmt::format(
          "the journal {} is damaged ({}); to begin anew, move the folder .tessera away: the outputs stay as "
          "they are, and --on-exist says what becomes of them",
          path, why));
    case SQLITE_FULL:
      throw JournalError(
          fmt::format("the disk is full: the journal {} cannot {}; make room, then the same command with "
                      "--resume goes on",
                      path, doing));
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      throw JournalError(
          fmt::format("the journal {} cannot {}: {}; the output folder must be there and writable", path, doing, why));
    default:
      throw JournalError(
          fmt::format("the journal {} cannot {}: {}; once that is mended, the same command with --resume "
                      "goes on",
                      path, doing, why));
  }
}

void Database::execute(const char* sql) {
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail("be written");
}

std::int64_t Database::last_row_id() const { return sqlite3_last_insert_rowid(db_); }

void Database::begin(bool durable) {
  if (broken_) throw JournalError(fmt::format("the journal {} could not be written before", printable(path_)));
  durable |= always_durable_;
  if (open_ && durable && !durable_) commit();
  if (open_) return;
  if (durable != durable_) execute(durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
  durable_ = durable;
  execute("BEGIN IMMEDIATE");
  open_ = true;
}

void Database::commit() {
  if (!open_ || broken_) return;
  execute("COMMIT");
  open_ = false;
}

Statement::Statement(Database& database, const char* sql) : database_(database) {
  if (sqlite3_prepare_v3(database.db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr) != SQLITE_OK)
    database.fail("be used");
}
Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::bind(std::int64_t value) {
  sqlite3_bind_int64(statement_, ++at_, value);
  return *this;
}
Statement& Statement::bind_text(const std::string& text) {
  sqlite3_bind_text(statement_, ++at_, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
  return *this;
}
Statement& Statement::bind_blob(const void* data, std::size_t bytes) {
  sqlite3_bind_blob(statement_, ++at_, bytes ? data : "", static_cast<int>(bytes), SQLITE_TRANSIENT);
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  try {
    database_.fail(sqlite3_stmt_readonly(statement_) ? "be read" : "be written");
  } catch (...) {
    reset();
    throw;
  }
}
void Statement::reset() {
  sqlite3_reset(statement_);
  at_ = 0;
}
void Statement::run() {
  step();
  reset();
}

std::int64_t Statement::integer(int i) const { return sqlite3_column_int64(statement_, i); }
std::string Statement::bytes(int i) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, i));
  return data ? std::string(data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, i))) : std::string();
}
Hash128 Statement::hash(int i) const {
  Hash128 hash{};
  const std::string text = bytes(i);
  std::memcpy(hash.data(), text.data(), std::min(text.size(), hash.size()));
  return hash;
}

}  // namespace tessera::pipeline
