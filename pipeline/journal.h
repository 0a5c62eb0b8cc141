// The durable record of a run: what each item came to and which file it became. SQLite in the output folder's
// .tessera/, one writer. An item's row is committed with its products (inode, size, time, hashes) before a file gets
// its name, as intended, and closed after it, so that after any crash the journal tells a finished output from a
// foreign one. A run lasts over several sessions (starts of the program) when it is resumed. Writes are grouped by the
// caller: everything since the last commit() is one transaction (19 us a row in groups of 50, 409 us alone).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/database.h"
#include "pipeline/failure.h"
#include "pipeline/image_task.h"
#include "pipeline/output_tree.h"

namespace tessera::pipeline {

struct ProductRow {
  std::uint32_t output = 0;
  std::string name;   // relative to the output folder
  FileIdentity file;  // what has that name once it is published
  ProductResult result;
};

struct ItemRow {
  std::uint64_t item = 0;  // its number in the list of inputs, which orders the manifest
  std::string source;      // the input's path: what the item is known by
  std::uint64_t bytes = 0;
  std::int64_t modified_ns = 0;
  Terminal terminal;
  std::int32_t original_width = 0, original_height = 0;  // as a viewer shows it: after orientation
  Hash128 source_hash{};
  std::optional<FailureBundle> failure;  // crashed, timed out, out of memory, against policy
  // Not part of the manifest: differs from run to run.
  Route route = Route::whole;
  std::uint32_t jobs = 0, crashes = 0;
  std::uint64_t cpu_ns = 0, wall_ns = 0;
};

/// One start of the program.
struct SessionInfo {
  std::string boot_id;  // of the running kernel: a later one may have lost what was not synced
  bool synced = false;  // --fsync
  std::string mode;
};
/// /proc/sys/kernel/random/boot_id; "" if the system has none.
std::string current_boot_id();

/// What an earlier session, or this one, wrote about an input.
struct JournalRow {
  ItemRow item;
  std::vector<ProductRow> products;
  bool closed = false;   // else intended: a crash came between intent and close
  bool synced = false;   // its outputs were on the disk when it was closed
  bool durable = false;  // written in this boot, or synced: its outputs need no second look
  bool listed = false;   // by this session: keep() was called for it, or it was done in it
};

class Journal {
 public:
  /// Opens or creates the file and locks it for this process. Throws JournalError.
  explicit Journal(const std::string& path);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// The last run's recipe hash; nothing in a fresh journal.
  std::optional<Hash128> last_recipe_hash();
  /// A session of a fresh run.
  void begin_run(const std::string& recipe_text, const Hash128& recipe_hash, const SessionInfo&);
  /// A session of the last run.
  void continue_run(const SessionInfo&);

  /// Before the files get their names: the row as it will be once they have.
  void intend(const ItemRow&, const std::vector<ProductRow>&);
  /// After it.
  void close_intended(const ItemRow&);
  /// Its products came to nothing: the row becomes this one, without products.
  void withdraw(const ItemRow&);
  /// The one terminal row of an item without products.
  void close(const ItemRow&);
  void commit();

  /// Any row of this run.
  std::optional<JournalRow> find(const std::string& source);
  /// The row stands (an intended one is closed), as it is given here, for an input of this session's list.
  void keep(const JournalRow&);
  /// The item is to be done again: its row and products go.
  void reopen(const std::string& source);
  /// That file is one that this run made for `source` and gave up: it may be replaced, whatever --on-exist says.
  void make_replaceable(const std::string& source, const std::string& name, const FileIdentity&);
  /// It is so, or it belongs to an input that is not listed any more.
  bool replaceable(const std::string& name, const FileIdentity&);
  /// It is replaceable, or a product of a row.
  bool made(const std::string& name, const FileIdentity&);
  /// Replaceable files under names that no product has now, of items that are done since.
  void for_each_abandoned(const std::function<void(const std::string& name, const FileIdentity&)>&);

  /// Marks that earlier sessions left: inputs that were being worked on when the program ended; true: alone.
  std::map<std::string, bool> begun();
  void clear_begun();
  void clear_mark(const std::string& source);
  /// Commits that the input is being worked on. Its rows take the mark back.
  void mark_begun(const std::string& source, bool alone);

  /// The closed rows of this session's list, in its order.
  void for_each_item(const std::function<void(const ItemRow&, const std::vector<ProductRow>&)>&);

 private:
  struct Statements;
  void set_up();
  void begin_session(const SessionInfo&);
  void write_item(const ItemRow&, bool closed);
  void write_products(const std::string& source, const std::vector<ProductRow>&);
  void remove_row(const std::string& source);
  std::vector<ProductRow> products_of(const std::string& source);

  Database db_;
  std::int64_t run_ = 0, session_ = 0;
  std::string boot_id_;
  std::unique_ptr<Statements> sql_;
};

/// Rows for people and scripts, one JSON object a line, written whole and renamed into place. Two runs of one recipe
/// over the same inputs give the same bytes. Throws EnvironmentError.
void write_manifest(Journal&, const std::string& path);
/// What differs from run to run: route, jobs, crashes, CPU and wall time of each item.
void write_timings(Journal&, const std::string& path);

}  // namespace tessera::pipeline
