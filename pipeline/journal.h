// The durable record of a run: what each item came to and which file it became. SQLite in the output folder's
// .tessera/, one writer. An intent (inode, size, hashes) is committed before a file gets its name and the item is
// closed after it, so that after any crash the journal tells a finished output from a foreign one. Writes are grouped
// by the caller: everything since the last commit() is one transaction (19 us a row in groups of 50, 409 us alone).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/failure.h"
#include "pipeline/image_task.h"

struct sqlite3;
struct sqlite3_stmt;

namespace tessera::pipeline {

struct ProductRow {
  std::uint64_t item = 0;
  std::uint32_t output = 0;
  std::string name;  // relative to the output folder
  std::uint64_t inode = 0;
  ProductResult result;
};

struct ItemRow {
  std::uint64_t item = 0;
  std::string source;
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

class Journal {
 public:
  /// Opens or creates the file and locks it for this process. Throws std::runtime_error: another run uses it, damaged,
  /// not writable.
  explicit Journal(const std::string& path);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  void begin_run(const std::string& recipe_text, const Hash128& recipe_hash);
  void intend(const ProductRow&);     // before the file gets its name
  void published(const ProductRow&);  // after
  void withdraw(std::uint64_t item);  // its intents came to nothing
  void close(const ItemRow&);         // the item's one terminal row
  void commit();

  /// The rows of this run, by item, then output.
  void for_each_item(const std::function<void(const ItemRow&, const std::vector<ProductRow>&)>&);

 private:
  class Statement;
  void execute(const char* sql);
  void begin();
  std::unique_ptr<Statement> prepare(const char* sql);

  sqlite3* db_ = nullptr;
  std::int64_t run_ = 0;
  bool open_ = false;  // a transaction is
  std::unique_ptr<Statement> intend_, published_, withdraw_, close_;
};

/// Rows for people and scripts, one JSON object a line, written whole and renamed into place. Two runs of one recipe
/// over the same inputs give the same bytes.
void write_manifest(Journal&, const std::string& path);
/// What differs from run to run: route, jobs, crashes, CPU and wall time of each item.
void write_timings(Journal&, const std::string& path);

}  // namespace tessera::pipeline
