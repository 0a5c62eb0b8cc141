#include "pipeline/journal.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <chrono>
#include <cstring>
#include <map>
#include <stdexcept>

#include "workers/fault_point.h"

namespace tessera::pipeline {
namespace {

constexpr const char* kSchema = R"sql(
CREATE TABLE IF NOT EXISTS run(id INTEGER PRIMARY KEY, started_ms INTEGER, engine TEXT, recipe_hash BLOB, recipe TEXT);
CREATE TABLE IF NOT EXISTS item(
  run INTEGER, item INTEGER, source BLOB, bytes INTEGER, modified_ns INTEGER, status INTEGER, reason INTEGER,
  sentence TEXT, original_width INTEGER, original_height INTEGER, source_hash BLOB,
  route INTEGER, jobs INTEGER, crashes INTEGER, cpu_ns INTEGER, wall_ns INTEGER, PRIMARY KEY(run, item)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS product(
  run INTEGER, item INTEGER, output INTEGER, name BLOB, inode INTEGER, bytes INTEGER, width INTEGER, height INTEGER,
  file_hash BLOB, pixel_hash BLOB, published INTEGER, PRIMARY KEY(run, item, output)) WITHOUT ROWID;
)sql";

[[noreturn]] void fail(sqlite3* db, const std::string& what) {
  throw std::runtime_error(fmt::format("the journal: {}: {}", what, db ? sqlite3_errmsg(db) : "out of memory"));
}

}  // namespace

class Journal::Statement {
 public:
  Statement(sqlite3* db, const char* sql) : db_(db) {
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr) != SQLITE_OK) fail(db, sql);
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(std::int64_t value) {
    sqlite3_bind_int64(statement_, ++at_, value);
    return *this;
  }
  Statement& bind(std::uint64_t value) { return bind(static_cast<std::int64_t>(value)); }
  Statement& bind(std::int32_t value) { return bind(static_cast<std::int64_t>(value)); }
  Statement& bind(std::uint32_t value) { return bind(static_cast<std::int64_t>(value)); }
  Statement& bind_text(const std::string& text) {
    sqlite3_bind_text(statement_, ++at_, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
    return *this;
  }
  // Names are bytes, not text: SQLite would trust them to be UTF-8.
  Statement& bind_blob(const void* data, std::size_t bytes) {
    sqlite3_bind_blob(statement_, ++at_, bytes ? data : "", static_cast<int>(bytes), SQLITE_TRANSIENT);
    return *this;
  }
  Statement& bind(const Hash128& hash) { return bind_blob(hash.data(), hash.size()); }

  bool step() {
    const int code = sqlite3_step(statement_);
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
      sqlite3_reset(statement_);
      fail(db_, "a write failed");
    }
    return code == SQLITE_ROW;
  }
  void run() {
    step();
    sqlite3_reset(statement_);
    at_ = 0;
  }
  template <class T = std::int64_t>
  T column(int i) const {
    return static_cast<T>(sqlite3_column_int64(statement_, i));
  }
  std::string bytes(int i) const {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, i));
    return data ? std::string(data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, i))) : std::string();
  }
  Hash128 hash(int i) const {
    Hash128 hash{};
    const std::string text = bytes(i);
    std::memcpy(hash.data(), text.data(), std::min(text.size(), hash.size()));
    return hash;
  }

 private:
  sqlite3* db_;
  sqlite3_stmt* statement_ = nullptr;
  int at_ = 0;
};

Journal::Journal(const std::string& path) {
  if (sqlite3_open_v2(path.c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr) !=
      SQLITE_OK) {
    const std::string sentence =
        fmt::format("the journal {} cannot be opened: {}", path, db_ ? sqlite3_errmsg(db_) : "out of memory");
    sqlite3_close(db_);
    throw std::runtime_error(sentence);
  }
  try {
    // The lock is held as long as the journal is open and dies with the process.
    execute("PRAGMA locking_mode=EXCLUSIVE");
    execute("PRAGMA journal_mode=WAL");
    execute("PRAGMA synchronous=NORMAL");
    execute("BEGIN IMMEDIATE");
    execute(kSchema);
    execute("COMMIT");
    intend_ = prepare("INSERT OR REPLACE INTO product VALUES(?,?,?,?,?,?,?,?,?,?,0)");
    published_ = prepare("UPDATE product SET published=1 WHERE run=? AND item=? AND output=?");
    withdraw_ = prepare("DELETE FROM product WHERE run=? AND item=?");
    close_ = prepare("INSERT INTO item VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
  } catch (...) {
    const bool busy = sqlite3_errcode(db_) == SQLITE_BUSY;
    sqlite3_close(db_);
    if (busy)
      throw std::runtime_error(
          fmt::format("another run is using the journal {}; wait for it or choose another output folder", path));
    throw;
  }
}

Journal::~Journal() {
  intend_.reset(), published_.reset(), withdraw_.reset(), close_.reset();
  if (open_) sqlite3_exec(db_, "COMMIT", nullptr, nullptr, nullptr);
  sqlite3_close(db_);
  workers::fault_point("journal.closed");
}

void Journal::execute(const char* sql) {
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(db_, "cannot be written");
}
std::unique_ptr<Journal::Statement> Journal::prepare(const char* sql) { return std::make_unique<Statement>(db_, sql); }

void Journal::begin() {
  if (!open_) execute("BEGIN IMMEDIATE");
  open_ = true;
}
void Journal::commit() {
  if (open_) execute("COMMIT");
  open_ = false;
}

void Journal::begin_run(const std::string& recipe_text, const Hash128& recipe_hash) {
  begin();
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  auto insert = prepare("INSERT INTO run(started_ms, engine, recipe_hash, recipe) VALUES(?,?,?,?)");
  insert->bind(static_cast<std::int64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count()))
      .bind_text(std::string(kEngineVersion))
      .bind(recipe_hash)
      .bind_text(recipe_text)
      .run();
  run_ = sqlite3_last_insert_rowid(db_);
  commit();
}

void Journal::intend(const ProductRow& row) {
  begin();
  const ProductResult& r = row.result;
  intend_->bind(run_).bind(row.item).bind(row.output).bind_blob(row.name.data(), row.name.size()).bind(row.inode);
  intend_->bind(r.bytes).bind(r.width).bind(r.height).bind(r.file_hash).bind(r.pixel_hash).run();
}
void Journal::published(const ProductRow& row) {
  begin();
  published_->bind(run_).bind(row.item).bind(row.output).run();
}
void Journal::withdraw(std::uint64_t item) {
  begin();
  withdraw_->bind(run_).bind(item).run();
}
void Journal::close(const ItemRow& row) {
  begin();
  close_->bind(run_)
      .bind(row.item)
      .bind_blob(row.source.data(), row.source.size())
      .bind(row.bytes)
      .bind(row.modified_ns);
  close_->bind(static_cast<std::int64_t>(row.terminal.kind)).bind(static_cast<std::int64_t>(row.terminal.reason));
  close_->bind_text(row.terminal.sentence).bind(row.original_width).bind(row.original_height).bind(row.source_hash);
  close_->bind(static_cast<std::int64_t>(row.route))
      .bind(row.jobs)
      .bind(row.crashes)
      .bind(row.cpu_ns)
      .bind(row.wall_ns)
      .run();
}

void Journal::for_each_item(const std::function<void(const ItemRow&, const std::vector<ProductRow>&)>& visit) {
  commit();
  auto items = prepare("SELECT * FROM item WHERE run=? ORDER BY item");
  auto products = prepare("SELECT * FROM product WHERE run=? AND published=1 ORDER BY item, output");
  items->bind(run_);
  products->bind(run_);
  bool more = products->step();
  while (items->step()) {
    ItemRow row;
    row.item = items->column<std::uint64_t>(1);
    row.source = items->bytes(2);
    row.bytes = items->column<std::uint64_t>(3);
    row.modified_ns = items->column(4);
    row.terminal = {items->column<Terminal::Kind>(5), items->bytes(7), items->column<FailReason>(6)};
    row.original_width = items->column<std::int32_t>(8);
    row.original_height = items->column<std::int32_t>(9);
    row.source_hash = items->hash(10);
    row.route = items->column<Route>(11);
    row.jobs = items->column<std::uint32_t>(12);
    row.crashes = items->column<std::uint32_t>(13);
    row.cpu_ns = items->column<std::uint64_t>(14);
    row.wall_ns = items->column<std::uint64_t>(15);
    std::vector<ProductRow> rows;
    for (; more && products->column<std::uint64_t>(1) <= row.item; more = products->step()) {
      ProductRow product;
      product.item = products->column<std::uint64_t>(1);
      product.output = products->column<std::uint32_t>(2);
      product.name = products->bytes(3);
      product.inode = products->column<std::uint64_t>(4);
      product.result = {products->column<std::uint64_t>(5), products->column<std::int32_t>(6),
                        products->column<std::int32_t>(7), products->hash(8), products->hash(9)};
      rows.push_back(std::move(product));
    }
    visit(row, rows);
  }
}

}  // namespace tessera::pipeline
