// Goes down one folder and gives the files that a pattern matches, one by one. Holds the entries of the folders between
// the top and the current one, nothing else.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::pipeline {

struct FoundFile {
  std::string path;
  std::string relative_dir = {};  // below the top folder
  std::uint64_t bytes = 0;
  std::uint64_t device = 0, inode = 0;
  std::optional<std::string> error = {};  // a folder or link that cannot be followed, a pipe
};

class FolderWalk {
 public:
  using WantsName = std::function<bool(std::string_view file_name)>;

  /// `components` as of split_glob: {"*"} is the folder itself, {"**", "*"} its whole tree. `skip_folder` ("" for none)
  /// is not entered below the top. Files come sorted by name bytes, before their folder's folders.
  FolderWalk(std::string folder, std::vector<std::string> components, WantsName, std::string skip_folder);

  /// Empty: no more. Regular files and links to them, and with an error what is neither that nor a folder; a link to a
  /// folder is entered where a component other than ** matches it.
  std::optional<FoundFile> next();

 private:
  struct Folder {
    std::string name;
    std::vector<std::size_t> positions;  // components that may match what is inside, ascending
  };
  struct Level {
    std::string path, relative_dir;
    std::vector<std::string> files;
    std::vector<Folder> folders;
    std::size_t next_file = 0, next_folder = 0;
  };

  /// Reads a folder; what could not be read stands in `failure_`.
  void enter(std::string path, std::string relative_dir, std::vector<std::size_t> positions);
  void sort_in(Level&, const std::vector<std::size_t>& positions, std::string name, unsigned char type) const;
  bool wanted_file(const std::vector<std::size_t>& positions, const std::string& name) const;
  std::vector<std::size_t> positions_inside(const std::vector<std::size_t>& positions, const std::string& name,
                                            bool is_link) const;
  std::vector<std::size_t> with_zero_folders(std::vector<std::size_t> positions) const;
  bool is_skipped(const std::string& path) const;
  FoundFile describe(const Level&, const std::string& name) const;

  std::vector<std::string> components_;
  WantsName wants_;
  std::string skip_folder_;
  std::vector<Level> levels_;
  std::optional<FoundFile> failure_;
};

/// "photos" + "a.jpg"; "" and "." add nothing.
std::string join_path(std::string_view folder, std::string_view name);

}  // namespace tessera::pipeline
