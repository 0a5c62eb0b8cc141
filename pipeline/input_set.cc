#include "pipeline/input_set.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <xxhash.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <unordered_set>
#include <utility>
#include <variant>

#include "pipeline/folder_walk.h"
#include "pipeline/glob.h"
#include "pipeline/name_template.h"
#include "pipeline/path_list.h"

namespace tessera::pipeline {
namespace {

/// A file that somebody named: taken whatever it is, with an error if it cannot be looked at.
FoundFile named_file(std::string path, std::string relative_dir, bool from_list) {
  FoundFile file{.path = std::move(path), .relative_dir = std::move(relative_dir)};
  struct stat status {};
  if (file.path.find('\0') != std::string::npos) {
    file.error = "the path contains a NUL byte";
  } else if (stat(file.path.c_str(), &status) != 0) {
    file.error =
        errno == ENOENT ? "there is no such file" : fmt::format("the file cannot be read: {}", std::strerror(errno));
  } else if (from_list && S_ISDIR(status.st_mode)) {
    file.error = "it is a folder; a list names files";
  } else {
    file.bytes = static_cast<std::uint64_t>(status.st_size);
    file.device = status.st_dev;
    file.inode = status.st_ino;
  }
  return file;
}

/// The folders of a relative path that stays below the working folder; else "".
std::string folders_of(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).lexically_normal().parent_path();
  const std::string text = parent.string();
  return parent.is_absolute() || text == ".." || text.starts_with("../") ? "" : text;
}

/// Files that were taken already, by device, inode and normal path: hard links and links stay files of their own.
class Taken {
 public:
  bool add(const FoundFile& file) {
    const std::string key =
        fmt::format("{} {} {}", file.device, file.inode, (folder_ / file.path).lexically_normal().string());
    const XXH128_hash_t hash = XXH3_128bits(key.data(), key.size());
    return seen_.insert({hash.low64, hash.high64}).second;
  }

 private:
  using Key = std::pair<std::uint64_t, std::uint64_t>;
  struct HashOfKey {
    std::size_t operator()(const Key& key) const { return static_cast<std::size_t>(key.first); }
  };
  std::filesystem::path folder_ = std::filesystem::current_path();
  std::unordered_set<Key, HashOfKey> seen_;
};

struct NamedFile {
  std::string path;
};
/// One folder, or all patterns that one source's braces stand for.
struct Walks {
  std::string source;
  struct Walk {
    std::string folder;
    std::vector<std::string> components;
  };
  std::vector<Walk> walks;
  bool known_extensions_only = false;
};
struct ListFile {
  std::string name;
  std::unique_ptr<PathList> list;
};
using Source = std::variant<NamedFile, Walks, ListFile>;

class Sources final : public InputSet {
 public:
  Sources(std::vector<Source> sources, const InputOptions& options, const Vocabulary& vocabulary)
      : sources_(std::move(sources)), skip_folder_(options.skip_folder), vocabulary_(vocabulary) {
    const auto* only = sources_.size() == 1 ? std::get_if<Walks>(&sources_[0]) : nullptr;
    if (!only || only->walks.size() > 1) taken_.emplace();  // one walk meets no file twice
  }

  std::optional<Input> next() override {
    while (current_ < sources_.size()) {
      std::optional<FoundFile> file = std::visit([&](auto& source) { return pull(source); }, sources_[current_]);
      if (!file && waiting_) return std::nullopt;
      if (!file) {
        ++current_;
      } else if (!taken_ || taken_->add(*file)) {
        return Input{index_++, std::move(file->path), std::move(file->relative_dir), file->bytes,
                     std::move(file->error)};
      }
    }
    return std::nullopt;
  }

  bool finished() const override { return current_ == sources_.size(); }
  int ready_fd() const override {
    const auto* list = finished() ? nullptr : std::get_if<ListFile>(&sources_[current_]);
    return list ? list->list->ready_fd() : -1;
  }
  const std::vector<std::string>& empty_sources() const override { return empty_; }

 private:
  // Empty: the source has no more or, with waiting_, not yet.
  std::optional<FoundFile> pull(NamedFile& source) {
    if (source.path.empty()) return std::nullopt;
    return named_file(std::exchange(source.path, {}), "", false);
  }

  std::optional<FoundFile> pull(Walks& source) {
    for (;;) {
      if (!walk_) {
        if (next_walk_ == source.walks.size()) break;
        auto& [folder, components] = source.walks[next_walk_++];
        const auto wants = [this, filter = source.known_extensions_only](std::string_view name) {
          return !filter || vocabulary_.codec_for_extension(extension_of(name)) != nullptr;
        };
        walk_.emplace(std::move(folder), std::move(components), wants, skip_folder_);
      }
      if (auto file = walk_->next()) {
        walk_found_ = true;
        return file;
      }
      walk_.reset();
    }
    if (!walk_found_) empty_.push_back(source.source);
    walk_found_ = false;
    next_walk_ = 0;
    return std::nullopt;
  }

  std::optional<FoundFile> pull(ListFile& source) {
    waiting_ = false;
    if (auto path = source.list->next()) {
      std::string folders = folders_of(*path);
      return named_file(std::move(*path), std::move(folders), true);
    }
    if (auto error = source.list->take_error()) return FoundFile{.path = source.name, .error = std::move(error)};
    waiting_ = !source.list->finished();
    return std::nullopt;
  }

  std::vector<Source> sources_;
  std::string skip_folder_;
  Vocabulary vocabulary_;
  std::optional<Taken> taken_;
  std::size_t current_ = 0;
  bool waiting_ = false;
  std::optional<FolderWalk> walk_;  // of the current source
  std::size_t next_walk_ = 0;
  bool walk_found_ = false;
  std::uint64_t index_ = 0;
  std::vector<std::string> empty_;
};

Source resolve_path(const std::string& text, const InputOptions& options) {
  if (text.empty()) throw UsageError("an input has an empty name");
  struct stat status {};
  const bool found = stat(text.c_str(), &status) == 0;
  if (found && S_ISDIR(status.st_mode)) {
    std::string folder = text;
    while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
    std::vector<std::string> components{"*"};
    if (options.recursive) components.insert(components.begin(), "**");
    return Walks{text, {{std::move(folder), std::move(components)}}, true};
  }
  if (!found && has_glob_characters(text)) {
    if (text.ends_with('/')) throw UsageError(fmt::format("'{}' ends in a slash; patterns match files", text));
    Walks walks{text, {}, false};
    for (const std::string& pattern : expand_braces(text)) {
      SplitGlob split = split_glob(pattern);
      if (split.components.empty()) {  // "{a,b}.jpg" names files
        const std::size_t slash = split.folder.rfind('/');
        split.components.push_back(pattern.substr(pattern.rfind('/') + 1));
        split.folder = slash == std::string::npos ? "." : slash == 0 ? "/" : split.folder.substr(0, slash);
      }
      if (stat(split.folder.c_str(), &status) == 0 && S_ISDIR(status.st_mode))
        walks.walks.push_back({std::move(split.folder), std::move(split.components)});
    }
    return walks;
  }
  if (!found && text.ends_with('/')) throw UsageError(fmt::format("there is no folder '{}'", text));
  return NamedFile{text};
}

}  // namespace

std::unique_ptr<InputSet> make_input_set(const std::vector<InputSource>& sources, const InputOptions& options,
                                         const Vocabulary& vocabulary) {
  std::vector<Source> resolved;
  bool standard_input = false;
  for (const InputSource& source : sources) {
    if (source.kind == InputSource::Kind::path) {
      resolved.push_back(resolve_path(source.text, options));
      continue;
    }
    if (source.text == "-" && std::exchange(standard_input, true))
      throw UsageError("standard input can be the list of files only once");
    resolved.push_back(ListFile{source.text, std::make_unique<PathList>(source.text, options.separator)});
  }
  return std::make_unique<Sources>(std::move(resolved), options, vocabulary);
}

std::optional<Input> wait_for_next(InputSet& inputs) {
  while (true) {
    if (auto input = inputs.next()) return input;
    if (inputs.finished()) return std::nullopt;
    pollfd waiting{inputs.ready_fd(), POLLIN, 0};
    poll(&waiting, 1, -1);
  }
}

}  // namespace tessera::pipeline
