// Options that `compare` and its experiments share: what is compared, where the result goes.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "pipeline/commands/options.h"
#include "pipeline/compare/document.h"
#include "pipeline/compare/run_set.h"
#include "pipeline/signals.h"

namespace tessera::pipeline {

/// None of the inputs named a picture.
class NothingMatched {};

/// A folder of one comparison's own, gone with the object.
class WorkFolder {
 public:
  /// Inside `parent`; "": $TMPDIR or /tmp. Throws UsageError when none can be made there.
  explicit WorkFolder(const std::string& parent);
  ~WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Pictures, recipe, limits: given to every configuration alike.
class SetFlags {
 public:
  void add_to(CLI::App&);
  /// Throws UsageError, or NothingMatched.
  RunSet load(const std::string& work);
  const std::string& work_parent() const { return work_; }
  std::uint64_t memory() const;  // bytes
  bool any() const { return !inputs_.words().empty(); }

 private:
  RecipeFlags recipe_;
  InputFlags inputs_;
  LimitFlags limits_;
  SandboxFlag sandbox_;
  std::string memory_ = "50%", work_;
};

/// --report, --export-json, --export-csv, --export-markdown, and the terminal.
class ShowFlags {
 public:
  void add_to(CLI::App&);
  /// Looks at what can be known of the files now, so that nobody measures for an hour to learn that there is no such
  /// folder. Throws UsageError.
  void check() const;
  /// Tables on standard output unless one of the files is "-". What cannot be written costs nothing else. Throws
  /// EnvironmentError.
  void deliver(const Json& document) const;

 private:
  static void show_on_terminal(const Json& document);
  std::string report_, json_, csv_, markdown_;
};

/// What was typed, for the document; "tessera" first.
std::vector<std::string> typed_words();

/// Runs `body` while INT, TERM and HUP are watched; what it was interrupted by becomes the exit code, and so do outputs
/// that differ and folders without a picture.
int watched(const std::function<int(const SignalWatch&)>& body);

}  // namespace tessera::pipeline
