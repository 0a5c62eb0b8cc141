// The journal's rows as JSON lines. `file_name` stands first: Hugging Face's ImageFolder reads it.
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "pipeline/job_files.h"
#include "pipeline/journal.h"
#include "pipeline/printable.h"
#include "pipeline/utf8.h"

namespace tessera::pipeline {
namespace {

using Json = nlohmann::ordered_json;

// Written beside its name and renamed: a manifest is absent, old or complete.
class LinesFile {
 public:
  explicit LinesFile(std::string path)
      : path_(std::move(path)), temporary_(path_ + ".new"), out_(temporary_, std::ios::binary) {
    if (!out_) fail();
  }
  // A manifest is UTF-8; in sentences other bytes show as U+FFFD.
  void add(const Json& row) { out_ << row.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n'; }
  void finish() {
    out_.close();
    if (!out_ || std::rename(temporary_.c_str(), path_.c_str()) != 0) fail();
  }

 private:
  [[noreturn]] void fail() const {
    throw EnvironmentError(
        fmt::format("cannot write {}: {}; once that is mended, the same command with --resume writes it",
                    printable(path_), std::strerror(errno)));
  }
  std::string path_, temporary_;
  std::ofstream out_;
};

// A name is bytes and JSON is text: one that is no UTF-8 is shown as well as can be, and given in full beside it.
void put_name(Json& row, const std::string& key, const std::string& name) {
  row[key] = name;
  if (is_utf8(name)) return;
  std::string hex;
  for (const char c : name) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  row[key + "_bytes"] = hex;
}

Json row_of(const ItemRow& item, const ProductRow* product) {
  const auto hex = [](const Hash128& hash) { return hash == Hash128{} ? Json() : Json(to_hex(hash)); };
  Json row;
  row["file_name"] = Json();
  if (product) put_name(row, "file_name", product->name);
  row["status"] = to_string(item.terminal.kind);
  const std::string_view reason = to_string(item.terminal.reason);
  row["reason"] = reason.empty() ? Json() : Json(reason);
  row["error_message"] = item.terminal.sentence.empty() ? Json() : Json(item.terminal.sentence);
  row["width"] = product ? Json(product->result.width) : Json();
  row["height"] = product ? Json(product->result.height) : Json();
  row["original_width"] = item.original_width ? Json(item.original_width) : Json();
  row["original_height"] = item.original_height ? Json(item.original_height) : Json();
  put_name(row, "source", item.source);
  row["source_hash"] = hex(item.source_hash);
  row["pixel_hash"] = product ? hex(product->result.pixel_hash) : Json();
  row["file_hash"] = product ? hex(product->result.file_hash) : Json();
  row["bytes"] = product ? Json(product->result.bytes) : Json();
  return row;
}

}  // namespace

void write_manifest(Journal& journal, const std::string& path) {
  LinesFile file(path);
  journal.for_each_item([&](const ItemRow& item, const std::vector<ProductRow>& products) {
    if (products.empty()) file.add(row_of(item, nullptr));
    for (const ProductRow& product : products) file.add(row_of(item, &product));
  });
  file.finish();
}

void write_timings(Journal& journal, const std::string& path) {
  LinesFile file(path);
  journal.for_each_item([&](const ItemRow& item, const std::vector<ProductRow>&) {
    Json row;
    put_name(row, "source", item.source);
    row["status"] = to_string(item.terminal.kind);
    row["route"] = item.route == Route::whole ? "whole" : "spread";
    row["jobs"] = item.jobs;
    row["crashes"] = item.crashes;
    row["cpu_ms"] = static_cast<double>(item.cpu_ns) / 1e6;
    row["wall_ms"] = static_cast<double>(item.wall_ns) / 1e6;
    file.add(row);
  });
  file.finish();
}

}  // namespace tessera::pipeline
