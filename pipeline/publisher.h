// Finished images become files here, a group at a time: names, intents, one commit, links, closing rows. The order is
// what makes an output absent, old or complete, and the journal able to tell which after a crash.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "pipeline/collisions.h"
#include "pipeline/input_set.h"
#include "pipeline/journal.h"
#include "pipeline/name_template.h"
#include "pipeline/output_tree.h"

namespace tessera::pipeline {

/// Parsed templates and codecs of the recipe's outputs.
class ProductNames {
 public:
  explicit ProductNames(const Recipe&);
  bool known_before_decode() const { return known_; }  // all of them
  bool known_before_decode(std::size_t output) const { return templates_[output].known_before_decode(); }
  /// Throws stages::ImageError. `result` may be null while the name does not need it.
  std::string name_of(const Input&, std::size_t output, const TaskResult* result) const;
  /// Throws stages::ImageError if the output keeps the input's format and its extension names none.
  const stages::Codec& codec_of(std::string_view input_path, std::size_t output) const;

 private:
  const Recipe& recipe_;
  std::vector<NameTemplate> templates_;
  bool known_ = true;
};

struct FinishedItem {
  Input input;
  ItemRow row;
  TaskResult result;
  std::vector<OutputFile> files;  // [recipe output]; empty unless done
};

class Publisher {
 public:
  using Closed = std::function<void(const FinishedItem&, const std::vector<ProductRow>&)>;

  /// `originals`: every input of the run, where outputs may replace files. `checked`: the names were compared with each
  /// other before the run; else a second claim to one name is refused here. `sync`: folders are on the disk before a
  /// row is closed. `resumes`: a file that is there and that the journal does not know may be this run's all the same:
  /// it stays when it holds the very bytes.
  Publisher(const ProductNames&, OutputTree&, Journal&, OnExist, const Originals&, bool checked, bool sync,
            bool resumes, Closed closed);
  /// What becomes of a file that has the name now. One that this run made and gave up is replaced whatever --on-exist
  /// says. Throws stages::ImageError.
  Decision policy(const std::string& name, const std::string& input_path, std::int64_t input_modified_ns) const;
  /// An item that reached its end, done or not.
  void add(FinishedItem);
  /// Publishes a group that is large or old enough. Throws EnvironmentError.
  void tick(std::chrono::steady_clock::time_point now);
  void flush();
  /// When tick() next has something to do; max() if nothing waits.
  std::chrono::steady_clock::time_point due() const;
  /// How long publishing has taken so far, by the clock.
  std::chrono::steady_clock::duration spent() const { return spent_; }

 private:
  struct Pending {
    ProductRow row;
    Action action;
  };
  std::optional<FileIdentity> same_file(const std::string& name, const ProductResult&) const;
  std::vector<Pending> name_products(FinishedItem&);
  void intend(FinishedItem&, std::vector<Pending>&);
  void publish(FinishedItem&, std::vector<Pending>&);
  void take_back(const FinishedItem&, std::span<const Pending> published);
  void close(const FinishedItem&, std::vector<Pending>&);
  void publish_group();

  const ProductNames& names_;
  OutputTree& tree_;
  Journal& journal_;
  OnExist on_exist_;
  const Originals& originals_;
  bool checked_, sync_, resumes_;
  CollisionDetector claims_;
  Closed closed_;
  std::vector<FinishedItem> group_;
  std::chrono::steady_clock::time_point since_{};
  std::chrono::steady_clock::duration spent_{};
};

}  // namespace tessera::pipeline
