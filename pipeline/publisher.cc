#include "pipeline/publisher.h"

#include <fmt/format.h>
#include <unistd.h>

#include <exception>

#include "pipeline/job_files.h"
#include "workers/fault_point.h"

namespace tessera::pipeline {
namespace {
constexpr std::size_t kGroup = 32;
constexpr auto kOldest = std::chrono::milliseconds(50);
}  // namespace

ProductNames::ProductNames(const Recipe& recipe) : recipe_(recipe) {
  for (const OutputSpec& output : recipe.outputs) {
    templates_.push_back(NameTemplate::parse(output.name_template));
    known_ &= templates_.back().known_before_decode();
  }
}

const stages::Codec& ProductNames::codec_of(std::string_view input_path, std::size_t output) const {
  const stages::Codec* codec = recipe_.outputs[output].codec;
  if (!codec) codec = stages::codec_for_extension(extension_of(input_path));
  if (!codec)
    throw stages::ImageError("its extension names no format that Tessera writes; choose the output's with --format");
  return *codec;
}

std::string ProductNames::name_of(const Input& input, std::size_t output, const TaskResult* result) const {
  const stages::Codec& codec = codec_of(input.path, output);
  NameFields fields = fields_of_input(input.path, input.relative_dir);
  fields.n = input.index;
  fields.ext = output_extension(input.path, codec);
  fields.format = codec.name();
  if (result) {
    fields.width = result->products[output].width;
    fields.height = result->products[output].height;
    fields.hash8 = to_hex(result->source_hash).substr(0, 8);
  }
  std::string name = templates_[output].expand(fields);
  if (name.starts_with(".tessera/")) throw stages::ImageError(fmt::format("{}: .tessera holds the journal", name));
  return name;
}

Publisher::Publisher(const ProductNames& names, OutputTree& tree, Journal& journal, OnExist on_exist,
                     const Originals& originals, bool checked, Closed closed)
    : names_(names),
      tree_(tree),
      journal_(journal),
      on_exist_(on_exist),
      originals_(originals),
      checked_(checked),
      closed_(std::move(closed)) {}

void Publisher::add(FinishedItem item) {
  if (group_.empty()) since_ = std::chrono::steady_clock::now();
  group_.push_back(std::move(item));
}

std::chrono::steady_clock::time_point Publisher::due() const {
  return group_.empty() ? std::chrono::steady_clock::time_point::max() : since_ + kOldest;
}

void Publisher::tick(std::chrono::steady_clock::time_point now) {
  if (group_.size() >= kGroup || now >= due()) flush();
}

// The products that are to be published. Turns the item into a failed or skipped one if that cannot or need not be.
std::vector<Publisher::Pending> Publisher::name_products(FinishedItem& item) {
  std::vector<Pending> pending;
  const auto ends = [&](Terminal::Kind kind, std::string sentence) {
    item.row.terminal = {kind, std::move(sentence),
                         kind == Terminal::Kind::failed ? FailReason::output : FailReason::none};
    return std::vector<Pending>();
  };
  std::string last_skipped;
  for (std::size_t i = 0; i < item.files.size(); ++i) {
    const std::string name = names_.name_of(item.input, i, &item.result);
    const std::string path = tree_.path_of(name);
    if (!checked_)
      if (const auto collision = claims_.add(path, item.input.path))
        return ends(Terminal::Kind::failed, to_string(*collision));
    const Decision decision = decide(on_exist_, look_at_output(path, item.input.path), item.row.modified_ns, false);
    if (decision.action == Action::refuse)
      return ends(Terminal::Kind::failed, fmt::format("{}: {}", name, decision.reason));
    if (decision.action == Action::replace && originals_.contains(path))
      return ends(Terminal::Kind::failed, fmt::format("{}: it is another input of this run", name));
    if (decision.action == Action::skip) {
      last_skipped = fmt::format("{}: {}", name, decision.reason);
      continue;
    }
    pending.push_back(
        {{item.row.item, static_cast<std::uint32_t>(i), name, item.files[i].inode(), item.result.products[i]},
         decision.action});
  }
  if (pending.empty()) return ends(Terminal::Kind::skipped, last_skipped);
  return pending;
}

// All products of an item, or none: those that got their name are taken back when a later one does not.
void Publisher::publish(FinishedItem& item, std::vector<Pending>& pending) {
  std::vector<std::string> created;
  try {
    for (Pending& p : pending) {
      const bool replace = p.action == Action::replace;
      if (tree_.publish(std::move(item.files[p.row.output]), p.row.name, replace) == OutputTree::Published::exists)
        throw stages::ImageError(fmt::format("{}: another file took that name in the meantime", p.row.name));
      workers::fault_point("publish.linked");
      if (!replace) created.push_back(tree_.path_of(p.row.name));
      journal_.published(p.row);
    }
  } catch (...) {
    for (const std::string& path : created) unlink(path.c_str());
    journal_.withdraw(item.row.item);
    pending.clear();
    throw;
  }
}

void Publisher::flush() {
  std::vector<FinishedItem> group = std::move(group_);
  group_.clear();
  std::vector<std::vector<Pending>> pending(group.size());
  if (!group.empty()) workers::fault_point("publish.before_intent");
  for (std::size_t i = 0; i < group.size(); ++i) {
    if (group[i].row.terminal.kind != Terminal::Kind::done) continue;
    try {
      pending[i] = name_products(group[i]);
    } catch (const stages::ImageError& e) {
      group[i].row.terminal = {Terminal::Kind::failed, e.what(), FailReason::output};
    }
    for (const Pending& p : pending[i]) journal_.intend(p.row);
  }
  journal_.commit();
  if (!group.empty()) workers::fault_point("publish.intended");
  std::exception_ptr stopped;  // the disk is full, say: the others still get their rows
  for (std::size_t i = 0; i < group.size(); ++i) {
    FinishedItem& item = group[i];
    try {
      publish(item, pending[i]);
    } catch (const stages::ImageError& e) {
      item.row.terminal = {Terminal::Kind::failed, e.what(), FailReason::output};
    } catch (const TreeError&) {
      stopped = std::current_exception();
      continue;  // neither done nor failed
    }
    workers::fault_point("publish.before_close");
    journal_.close(item.row);
    workers::fault_point("publish.closed");
    std::vector<ProductRow> rows;
    for (Pending& p : pending[i]) rows.push_back(std::move(p.row));
    closed_(item, rows);
  }
  if (stopped) std::rethrow_exception(stopped);
}

}  // namespace tessera::pipeline
