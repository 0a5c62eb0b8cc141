// The inputs of a run, pulled one by one: files, folders, quoted patterns and lists, in the order given. Never indexed
// in advance: at any time only the entries of the folders on the way down are held. Opens no input file.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/usage_error.h"
#include "pipeline/vocabulary.h"

namespace tessera::pipeline {

struct Input {
  std::uint64_t index = 0;           // 0, 1, 2, ... in the order of next()
  std::string path;                  // as it can be opened from the working folder
  std::string relative_dir;          // the tree below the named folder or the pattern's fixed part; "" at its top
  std::uint64_t bytes = 0;           // 0 with an error
  std::optional<std::string> error;  // this one cannot be read (missing, unreadable folder): one failed item
};

class InputSet {
 public:
  virtual ~InputSet() = default;
  /// Empty: none just now, or no more (finished()). Never blocks on a pipe.
  virtual std::optional<Input> next() = 0;
  virtual bool finished() const = 0;
  /// Poll it for reading after next() came back empty and finished() is false. -1: no need to wait.
  virtual int ready_fd() const = 0;
  /// Folders without pictures and patterns without a match, as far as they have been looked at.
  virtual const std::vector<std::string>& empty_sources() const = 0;
};

/// The next input, waiting for it; empty: no more. For callers that have nothing else to wait for.
std::optional<Input> wait_for_next(InputSet&);

struct InputSource {
  enum class Kind : std::uint8_t {
    path,  // a file, a folder, or, if nothing has that very name, a pattern
    list,  // a file of paths, "-" for standard input
  };
  Kind kind = Kind::path;
  std::string text;
};

enum class ListSeparator : std::uint8_t {
  detect,   // NUL if the first bytes read hold one, else newline
  newline,  // a carriage return before it is dropped; empty lines are skipped
  nul,
};

struct InputOptions {
  bool recursive = false;
  std::string skip_folder = {};  // the output folder: not entered when it lies inside a named folder; "" for none
  ListSeparator separator = ListSeparator::detect;
};

/// * A folder gives the files directly inside (with `recursive` the whole tree, folder by folder, each sorted by name
///   bytes, its files before its folders) whose extension a codec knows. Hidden names are skipped. Links to files are
///   followed, links to folders only when named themselves, so that no loop is possible.
/// * Named, listed and pattern-matched files are taken whatever their extension. Patterns match files only.
/// * A listed relative path without ".." keeps its folders as relative_dir; a named file has none.
/// * The same file reached by the same path (however spelled) is taken once; hard links and links are files of their
/// own.
/// * A missing file, and in folders and patterns a pipe, socket or device, is an Input with an error; a missing
/// "folder/", an unreadable list and a bad pattern are UsageErrors
///   here; patterns without a match and empty folders count nothing and are reported by empty_sources().
std::unique_ptr<InputSet> make_input_set(const std::vector<InputSource>&, const InputOptions&,
                                         const Vocabulary& = built_in());

}  // namespace tessera::pipeline
