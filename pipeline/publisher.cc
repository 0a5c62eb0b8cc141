#include "pipeline/publisher.h"

#include <fcntl.h>
#include <fmt/format.h>

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
  return templates_[output].expand(fields);
}

Publisher::Publisher(const ProductNames& names, OutputTree& tree, Journal& journal, OnExist on_exist,
                     const Originals& originals, bool checked, bool sync, bool resumes, Closed closed)
    : names_(names),
      tree_(tree),
      journal_(journal),
      on_exist_(on_exist),
      originals_(originals),
      checked_(checked),
      sync_(sync),
      resumes_(resumes),
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

Decision Publisher::policy(const std::string& name, const std::string& input_path, std::int64_t modified_ns) const {
  const Existing existing = look_at_output(tree_.path_of(name), input_path);
  const Decision decision = decide(on_exist_, existing, modified_ns, false);
  if (existing.kind != Existing::Kind::file || decision.action == Action::replace) return decision;
  const auto file = tree_.find(name);
  if (file && journal_.replaceable(name, *file)) return {Action::replace, {}};
  if (file && resumes_ && decision.action == Action::refuse) return {Action::compare, decision.reason};
  return decision;
}

// The file of that name if it holds just these bytes.
std::optional<FileIdentity> Publisher::same_file(const std::string& name, const ProductResult& product) const {
  const std::optional<FileIdentity> file = tree_.find(name);
  if (!file || file->bytes != product.bytes) return std::nullopt;
  const workers::Fd opened(open(tree_.path_of(name).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  try {
    if (opened && FdSource(opened.get()).hash_all() == product.file_hash) return file;
  } catch (const std::runtime_error&) {
    // It cannot be read, or changes just now: not what was made.
  }
  return std::nullopt;
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
    const Decision decision = policy(name, item.input.path, item.row.modified_ns);
    if (decision.action == Action::refuse)
      return ends(Terminal::Kind::failed, fmt::format("{}: {}", name, decision.reason));
    if (decision.action == Action::replace && originals_.contains(path))
      return ends(Terminal::Kind::failed, fmt::format("{}: it is another input of this run", name));
    if (decision.action == Action::skip) {
      last_skipped = fmt::format("{}: {}", name, decision.reason);
      continue;
    }
    FileIdentity file = item.files[i].identity();
    if (decision.action == Action::compare) {
      const auto same = same_file(name, item.result.products[i]);
      if (!same) return ends(Terminal::Kind::failed, fmt::format("{}: {}", name, decision.reason));
      file = *same;
    }
    // A worker's word is held against what is there.
    if (file.bytes != item.result.products[i].bytes)
      return ends(Terminal::Kind::failed, fmt::format("{}: its worker wrote {} bytes and spoke of {}", name, file.bytes,
                                                      item.result.products[i].bytes));
    pending.push_back({{static_cast<std::uint32_t>(i), name, file, item.result.products[i]}, decision.action});
  }
  if (pending.empty()) return ends(Terminal::Kind::skipped, last_skipped);
  return pending;
}

void Publisher::intend(FinishedItem& item, std::vector<Pending>& pending) {
  if (item.row.terminal.kind != Terminal::Kind::done) return;
  try {
    pending = name_products(item);
  } catch (const stages::ImageError& e) {
    item.row.terminal = {Terminal::Kind::failed, e.what(), FailReason::output};
  }
  if (pending.empty()) return;
  std::vector<ProductRow> rows;
  for (const Pending& p : pending) rows.push_back(p.row);
  journal_.intend(item.row, rows);
}

// All products of an item, or none: those that got their name are taken back when a later one does not. Throws
// TreeError; the row stays intended then, and nothing else remains.
void Publisher::publish(FinishedItem& item, std::vector<Pending>& pending) {
  std::size_t published = 0;
  try {
    for (; published < pending.size(); ++published) {
      const Pending& p = pending[published];
      if (p.action == Action::compare) continue;
      const bool replace = p.action == Action::replace;
      if (tree_.publish(std::move(item.files[p.row.output]), p.row.name, replace) == OutputTree::Published::exists)
        throw stages::ImageError(fmt::format("{}: another file took that name in the meantime", p.row.name));
      workers::fault_point("publish.linked");
    }
  } catch (const stages::ImageError& e) {
    take_back(item, std::span(pending).first(published));
    item.row.terminal = {Terminal::Kind::failed, e.what(), FailReason::output};
  } catch (const TreeError&) {
    take_back(item, std::span(pending).first(published));
    throw;
  }
}

void Publisher::take_back(const FinishedItem& item, std::span<const Pending> published) {
  for (const Pending& p : published) {
    if (p.action == Action::create)
      tree_.remove(p.row.name, p.row.file);
    else if (p.action == Action::replace)  // the old file is gone; ours may be replaced when the item is done again
      journal_.make_replaceable(item.row.source, p.row.name, p.row.file);
  }
}

void Publisher::close(const FinishedItem& item, std::vector<Pending>& pending) {
  std::vector<ProductRow> rows;
  workers::fault_point("publish.before_close");
  if (item.row.terminal.kind == Terminal::Kind::done) {
    journal_.close_intended(item.row);
    for (Pending& p : pending) rows.push_back(std::move(p.row));
  } else if (!pending.empty()) {
    journal_.withdraw(item.row);
  } else {
    journal_.close(item.row);
  }
  workers::fault_point("publish.closed");
  closed_(item, rows);
}

void Publisher::flush() {
  const auto begun = std::chrono::steady_clock::now();
  const auto count = [&] { spent_ += std::chrono::steady_clock::now() - begun; };
  try {
    publish_group();
  } catch (...) {
    count();
    throw;
  }
  count();
}

void Publisher::publish_group() {
  std::vector<FinishedItem> group = std::move(group_);
  group_.clear();
  std::vector<std::vector<Pending>> pending(group.size());
  if (!group.empty()) workers::fault_point("publish.before_intent");
  for (std::size_t i = 0; i < group.size(); ++i) intend(group[i], pending[i]);
  journal_.commit();
  if (!group.empty()) workers::fault_point("publish.intended");
  std::exception_ptr stopped;  // the disk is full, say: the others still get their rows
  std::vector<std::size_t> ended;
  for (std::size_t i = 0; i < group.size(); ++i) {
    try {
      publish(group[i], pending[i]);
      ended.push_back(i);
    } catch (const TreeError&) {
      stopped = std::current_exception();  // neither done nor failed
    }
  }
  if (sync_) tree_.sync_folders();
  for (const std::size_t i : ended) close(group[i], pending[i]);
  if (stopped) std::rethrow_exception(stopped);
}

}  // namespace tessera::pipeline
