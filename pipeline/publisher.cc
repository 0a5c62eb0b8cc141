#include "pipeline/publisher.h"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/job_files.h"

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
  if (!codec) throw stages::ImageError("its extension names no format that can be written; choose one with --format");
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

Publisher::Publisher(const ProductNames& names, OutputTree& tree, Journal& journal, OnExist on_exist, Closed closed)
    : names_(names), tree_(tree), journal_(journal), on_exist_(on_exist), closed_(std::move(closed)) {}

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

// Fills rows and actions for a done item, or turns it into a failed or skipped one.
void Publisher::name_products(FinishedItem& item, std::vector<ProductRow>& rows, std::vector<Action>& actions) {
  for (std::size_t i = 0; i < item.files.size(); ++i) {
    const std::string name = names_.name_of(item.input, i, &item.result);
    const Existing existing = look_at_output(tree_.path_of(name), item.input.path);
    const Decision decision = decide(on_exist_, existing, item.row.modified_ns, false);
    if (decision.action == Action::skip && item.files.size() == 1) {
      item.row.terminal = {Terminal::Kind::skipped, fmt::format("{}: {}", name, decision.reason)};
    } else if (decision.action == Action::refuse) {
      item.row.terminal = {Terminal::Kind::failed, fmt::format("{}: {}", name, decision.reason), FailReason::output};
    }
    if (item.row.terminal.kind != Terminal::Kind::done) return;
    rows.push_back(
        {item.row.item, static_cast<std::uint32_t>(i), name, item.files[i].inode(), item.result.products[i]});
    actions.push_back(decision.action);
  }
}

void Publisher::flush() {
  std::vector<FinishedItem> group = std::move(group_);
  group_.clear();
  std::vector<std::vector<ProductRow>> rows(group.size());
  std::vector<std::vector<Action>> actions(group.size());
  for (std::size_t i = 0; i < group.size(); ++i) {
    if (group[i].row.terminal.kind != Terminal::Kind::done) continue;
    try {
      name_products(group[i], rows[i], actions[i]);
    } catch (const stages::ImageError& e) {
      group[i].row.terminal = {Terminal::Kind::failed, e.what(), FailReason::output};
    }
    if (group[i].row.terminal.kind != Terminal::Kind::done) rows[i].clear();
    for (const ProductRow& row : rows[i]) journal_.intend(row);
  }
  journal_.commit();
  for (std::size_t i = 0; i < group.size(); ++i) {
    FinishedItem& item = group[i];
    try {
      for (std::size_t p = 0; p < rows[i].size(); ++p) {
        if (actions[i][p] == Action::skip) continue;
        if (tree_.publish(std::move(item.files[p]), rows[i][p].name, actions[i][p] == Action::replace) ==
            OutputTree::Published::exists)
          throw stages::ImageError(fmt::format("{}: another file took that name in the meantime", rows[i][p].name));
        journal_.published(rows[i][p]);
      }
    } catch (const stages::ImageError& e) {
      item.row.terminal = {Terminal::Kind::failed, e.what(), FailReason::output};
      journal_.withdraw(item.row.item);
      rows[i].clear();
    }
    journal_.close(item.row);
    closed_(item, rows[i]);
  }
}

}  // namespace tessera::pipeline
