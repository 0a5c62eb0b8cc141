#include "pipeline/journal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <fstream>

#include "pipeline/printable.h"

namespace tessera::pipeline {
namespace {

constexpr int kVersion = 2;  // of the schema

constexpr const char* kSchema = R"sql(
CREATE TABLE run(id INTEGER PRIMARY KEY, started_ms INTEGER, engine TEXT, recipe_hash BLOB, recipe TEXT);
CREATE TABLE session(
  id INTEGER PRIMARY KEY, run INTEGER, started_ms INTEGER, boot_id TEXT, synced INTEGER, mode TEXT, pid INTEGER);
CREATE TABLE item(
  run INTEGER, source BLOB, closed INTEGER, session INTEGER, listed INTEGER, position INTEGER,
  bytes INTEGER, modified_ns INTEGER, status INTEGER, reason INTEGER, sentence TEXT, original_width INTEGER,
  original_height INTEGER, source_hash BLOB, route INTEGER, jobs INTEGER, crashes INTEGER, cpu_ns INTEGER,
  wall_ns INTEGER, failed INTEGER, signal INTEGER, step TEXT, stage TEXT, output TEXT, command TEXT, attempts INTEGER,
  PRIMARY KEY(run, source)) WITHOUT ROWID;
CREATE TABLE product(
  run INTEGER, source BLOB, output INTEGER, name BLOB, inode INTEGER, bytes INTEGER, modified_ns INTEGER,
  size INTEGER, width INTEGER, height INTEGER, file_hash BLOB, pixel_hash BLOB,
  PRIMARY KEY(run, source, output)) WITHOUT ROWID;
CREATE INDEX product_name ON product(run, name);
CREATE TABLE replaceable(
  run INTEGER, name BLOB, inode INTEGER, bytes INTEGER, modified_ns INTEGER, source BLOB,
  PRIMARY KEY(run, name, inode)) WITHOUT ROWID;
CREATE TABLE begun(source BLOB PRIMARY KEY, alone INTEGER) WITHOUT ROWID;
)sql";

// Columns of item in the order that read_item() takes them.
#define TESSERA_ITEM_COLUMNS                                                                                        \
  "item.position, item.source, item.bytes, item.modified_ns, item.status, item.reason, item.sentence, "             \
  "item.original_width, item.original_height, item.source_hash, item.route, item.jobs, item.crashes, item.cpu_ns, " \
  "item.wall_ns, item.failed, item.signal, item.step, item.stage, item.output, item.command, item.attempts, "       \
  "item.closed"

ItemRow read_item(const Statement& s) {
  ItemRow row;
  row.item = s.column<std::uint64_t>(0);
  row.source = s.bytes(1);
  row.bytes = s.column<std::uint64_t>(2);
  row.modified_ns = s.column(3);
  row.terminal = {s.column<Terminal::Kind>(4), s.bytes(6), s.column<FailReason>(5)};
  row.original_width = s.column<std::int32_t>(7);
  row.original_height = s.column<std::int32_t>(8);
  row.source_hash = s.hash(9);
  row.route = s.column<Route>(10);
  row.jobs = s.column<std::uint32_t>(11);
  row.crashes = s.column<std::uint32_t>(12);
  row.cpu_ns = s.column<std::uint64_t>(13);
  row.wall_ns = s.column<std::uint64_t>(14);
  if (s.column(15) != 0)
    row.failure = FailureBundle{s.column<std::int32_t>(16), s.bytes(17), s.bytes(18), s.bytes(19), s.bytes(20),
                                s.column<std::uint32_t>(21)};
  return row;
}

std::int64_t now_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace

std::string current_boot_id() {
  std::string id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
  return id;
}

struct Journal::Statements {
  explicit Statements(Database& db)
      : insert_item(db, "INSERT INTO item VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"),
        insert_product(db, "INSERT INTO product VALUES(?,?,?,?,?,?,?,?,?,?,?,?)"),
        close_item(db, "UPDATE item SET closed=1 WHERE run=? AND source=?"),
        remove_item(db, "DELETE FROM item WHERE run=? AND source=?"),
        remove_products(db, "DELETE FROM product WHERE run=? AND source=?"),
        remove_mark(db, "DELETE FROM begun WHERE source=?"),
        find(db, "SELECT " TESSERA_ITEM_COLUMNS
                 ", session.boot_id, session.synced, item.listed FROM item JOIN session ON session.id=item.session "
                 "WHERE item.run=? AND item.source=?"),
        products(db,
                 "SELECT output, name, inode, bytes, modified_ns, size, width, height, file_hash, pixel_hash FROM "
                 "product WHERE run=? AND source=? ORDER BY output"),
        replaceable(db, "SELECT 1 FROM replaceable WHERE run=? AND name=? AND inode=? AND bytes=? AND modified_ns=?"),
        unlisted(db,
                 "SELECT 1 FROM product JOIN item USING(run, source) WHERE run=? AND name=? AND inode=? AND "
                 "product.bytes=? AND product.modified_ns=? AND listed<>?"),
        made(db, "SELECT 1 FROM product WHERE run=? AND name=? AND inode=? AND bytes=? AND modified_ns=?"),
        make_replaceable(db, "INSERT OR REPLACE INTO replaceable VALUES(?,?,?,?,?,?)") {}
  Statement insert_item, insert_product, close_item, remove_item, remove_products, remove_mark, find, products,
      replaceable, unlisted, made, make_replaceable;
};

Journal::Journal(const std::string& path) : db_(path), boot_id_(current_boot_id()) {
  // The lock is held as long as the journal is open and dies with the process.
  db_.execute("PRAGMA locking_mode=EXCLUSIVE");
  db_.execute("PRAGMA journal_mode=WAL");
  db_.execute("PRAGMA synchronous=NORMAL");
  db_.begin();
  set_up();
  db_.commit();
  sql_ = std::make_unique<Statements>(db_);
}

Journal::~Journal() = default;

void Journal::set_up() {
  Statement version(db_, "PRAGMA user_version");
  Statement tables(db_, "SELECT count(*) FROM sqlite_master");
  version.step(), tables.step();
  const auto found = version.column<int>(0);
  if (tables.column(0) == 0) {
    db_.execute(kSchema);
    return db_.execute(fmt::format("PRAGMA user_version={}", kVersion).c_str());
  }
  if (found != kVersion)
    throw JournalError(
        fmt::format("the journal {} was written by {} version of Tessera (journal version {}, this one knows {}); to "
                    "begin anew, move the folder .tessera away",
                    printable(db_.path()), found < kVersion ? "an earlier" : "a later", found, kVersion));
}

std::optional<Hash128> Journal::last_recipe_hash() {
  Statement last(db_, "SELECT recipe_hash FROM run ORDER BY id DESC LIMIT 1");
  if (!last.step()) return std::nullopt;
  return last.hash(0);
}

void Journal::begin_run(const std::string& recipe_text, const Hash128& recipe_hash, const SessionInfo& session) {
  db_.begin();
  Statement insert(db_, "INSERT INTO run(started_ms, engine, recipe_hash, recipe) VALUES(?,?,?,?)");
  insert.bind(now_ms()).bind_text(std::string(kEngineVersion)).bind(recipe_hash).bind_text(recipe_text).run();
  run_ = db_.last_row_id();
  begin_session(session);
}

void Journal::continue_run(const SessionInfo& session) {
  db_.begin();
  Statement last(db_, "SELECT max(id) FROM run");
  last.step();
  run_ = last.column(0);
  last.reset();
  begin_session(session);
}

void Journal::begin_session(const SessionInfo& session) {
  boot_id_ = session.boot_id;
  Statement insert(db_, "INSERT INTO session(run, started_ms, boot_id, synced, mode, pid) VALUES(?,?,?,?,?,?)");
  insert.bind(run_).bind(now_ms()).bind_text(session.boot_id).bind(session.synced).bind_text(session.mode);
  insert.bind(std::int64_t{getpid()}).run();
  session_ = db_.last_row_id();
  db_.commit();
  if (session.synced) db_.make_durable();
}

void Journal::write_item(const ItemRow& row, bool closed) {
  Statement& s = sql_->insert_item;
  s.bind(run_).bind_blob(row.source).bind(closed).bind(session_).bind(session_).bind(row.item);
  s.bind(row.bytes).bind(row.modified_ns).bind(static_cast<std::int64_t>(row.terminal.kind));
  s.bind(static_cast<std::int64_t>(row.terminal.reason)).bind_text(row.terminal.sentence);
  s.bind(row.original_width).bind(row.original_height).bind(row.source_hash);
  s.bind(static_cast<std::int64_t>(row.route)).bind(row.jobs).bind(row.crashes).bind(row.cpu_ns).bind(row.wall_ns);
  const FailureBundle failure = row.failure.value_or(FailureBundle{});
  s.bind(row.failure.has_value()).bind(failure.signal).bind_text(failure.step).bind_text(failure.stage);
  s.bind_text(failure.output).bind_text(failure.command).bind(failure.attempts).run();
  sql_->remove_mark.bind_blob(row.source).run();
}

void Journal::write_products(const std::string& source, const std::vector<ProductRow>& products) {
  for (const ProductRow& row : products) {
    const ProductResult& r = row.result;
    Statement& s = sql_->insert_product;
    s.bind(run_).bind_blob(source).bind(row.output).bind_blob(row.name);
    s.bind(row.file.inode).bind(row.file.bytes).bind(row.file.modified_ns);
    s.bind(r.bytes).bind(r.width).bind(r.height).bind(r.file_hash).bind(r.pixel_hash).run();
  }
}

void Journal::remove_row(const std::string& source) {
  sql_->remove_item.bind(run_).bind_blob(source).run();
  sql_->remove_products.bind(run_).bind_blob(source).run();
}

// On the disk before the names are: after a power cut a name may be there and its bytes not, and only the row tells.
void Journal::intend(const ItemRow& row, const std::vector<ProductRow>& products) {
  db_.begin(true);
  write_item(row, false);
  write_products(row.source, products);
}
void Journal::close_intended(const ItemRow& row) {
  db_.begin();
  sql_->close_item.bind(run_).bind_blob(row.source).run();
}
void Journal::withdraw(const ItemRow& row) {
  db_.begin();
  remove_row(row.source);
  write_item(row, true);
}
void Journal::close(const ItemRow& row) {
  db_.begin();
  write_item(row, true);
}
void Journal::commit() { db_.commit(); }

std::vector<ProductRow> Journal::products_of(const std::string& source) {
  std::vector<ProductRow> rows;
  Statement& s = sql_->products;
  s.bind(run_).bind_blob(source);
  while (s.step()) {
    ProductRow row;
    row.output = s.column<std::uint32_t>(0);
    row.name = s.bytes(1);
    row.file = {s.column<std::uint64_t>(2), s.column<std::uint64_t>(3), s.column(4)};
    row.result = {s.column<std::uint64_t>(5), s.column<std::int32_t>(6), s.column<std::int32_t>(7), s.hash(8),
                  s.hash(9)};
    rows.push_back(std::move(row));
  }
  s.reset();
  return rows;
}

std::optional<JournalRow> Journal::find(const std::string& source) {
  Statement& s = sql_->find;
  s.bind(run_).bind_blob(source);
  std::optional<JournalRow> row;
  if (s.step()) {
    row.emplace();
    row->item = read_item(s);
    row->closed = s.column(22) != 0;
    row->synced = s.column(24) != 0;
    row->durable = row->synced || s.bytes(23) == boot_id_;
    row->listed = s.column(25) == session_;
  }
  s.reset();
  if (row) row->products = products_of(source);
  return row;
}

void Journal::keep(const JournalRow& row) {
  db_.begin();
  remove_row(row.item.source);
  write_item(row.item, true);
  write_products(row.item.source, row.products);
}

void Journal::reopen(const std::string& source) {
  db_.begin();
  remove_row(source);
}

namespace {
Statement& bind_file(Statement& s, std::int64_t run, const std::string& name, const FileIdentity& file) {
  return s.bind(run).bind_blob(name).bind(file.inode).bind(file.bytes).bind(file.modified_ns);
}
bool has_row(Statement& s) {
  const bool found = s.step();
  s.reset();
  return found;
}
}  // namespace

bool Journal::replaceable(const std::string& name, const FileIdentity& file) {
  return has_row(bind_file(sql_->replaceable, run_, name, file)) ||
         has_row(bind_file(sql_->unlisted, run_, name, file).bind(session_));
}
bool Journal::made(const std::string& name, const FileIdentity& file) {
  return has_row(bind_file(sql_->made, run_, name, file)) || replaceable(name, file);
}

void Journal::make_replaceable(const std::string& source, const std::string& name, const FileIdentity& file) {
  db_.begin();
  Statement& s = sql_->make_replaceable;
  s.bind(run_).bind_blob(name).bind(file.inode).bind(file.bytes).bind(file.modified_ns).bind_blob(source).run();
}

void Journal::for_each_abandoned(const std::function<void(const std::string&, const FileIdentity&)>& visit) {
  Statement s(db_,
              "SELECT name, inode, bytes, modified_ns FROM replaceable AS old WHERE run=?1 "
              "AND NOT EXISTS (SELECT 1 FROM product WHERE run=?1 AND product.name=old.name) "
              "AND EXISTS (SELECT 1 FROM product WHERE run=?1 AND product.source=old.source)");
  s.bind(run_);
  while (s.step()) visit(s.bytes(0), {s.column<std::uint64_t>(1), s.column<std::uint64_t>(2), s.column(3)});
}

std::map<std::string, bool> Journal::begun() {
  std::map<std::string, bool> marks;
  Statement s(db_, "SELECT source, alone FROM begun");
  while (s.step()) marks.emplace(s.bytes(0), s.column(1) != 0);
  return marks;
}

void Journal::clear_mark(const std::string& source) {
  db_.begin();
  sql_->remove_mark.bind_blob(source).run();
}

void Journal::clear_begun() {
  db_.begin();
  db_.execute("DELETE FROM begun");
  db_.commit();
}

void Journal::mark_begun(const std::string& source, bool alone) {
  db_.begin();
  Statement(db_, "INSERT OR REPLACE INTO begun VALUES(?,?)").bind_blob(source).bind(alone).run();
  db_.commit();
}

void Journal::for_each_item(const std::function<void(const ItemRow&, const std::vector<ProductRow>&)>& visit) {
  db_.commit();
  Statement items(db_,
                  "SELECT " TESSERA_ITEM_COLUMNS " FROM item WHERE run=? AND listed=? AND closed=1 ORDER BY position");
  items.bind(run_).bind(session_);
  while (items.step()) {
    const ItemRow row = read_item(items);
    visit(row, products_of(row.source));
  }
}

}  // namespace tessera::pipeline
