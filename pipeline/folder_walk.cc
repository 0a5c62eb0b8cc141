#include "pipeline/folder_walk.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "pipeline/glob.h"

namespace tessera::pipeline {
namespace {

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};

}  // namespace

std::string join_path(std::string_view folder, std::string_view name) {
  if (folder.empty() || folder == ".") return std::string(name);
  return fmt::format("{}{}{}", folder, folder.ends_with('/') ? "" : "/", name);
}

FolderWalk::FolderWalk(std::string folder, std::vector<std::string> components, WantsName wants,
                       std::string skip_folder)
    : components_(std::move(components)), wants_(std::move(wants)), skip_folder_(std::move(skip_folder)) {
  if (components_.empty() || components_.back() == "**") components_.emplace_back("*");
  enter(std::move(folder), "", {0});
}

std::optional<FoundFile> FolderWalk::next() {
  for (;;) {
    if (failure_) return std::exchange(failure_, std::nullopt);
    if (levels_.empty()) return std::nullopt;
    Level& level = levels_.back();
    if (level.next_file < level.files.size()) return describe(level, level.files[level.next_file++]);
    if (level.next_folder == level.folders.size()) {
      levels_.pop_back();
      continue;
    }
    Folder folder = std::move(level.folders[level.next_folder++]);
    std::string path = join_path(level.path, folder.name);
    if (!is_skipped(path))
      enter(std::move(path), join_path(level.relative_dir, folder.name), std::move(folder.positions));
  }
}

void FolderWalk::enter(std::string path, std::string relative_dir, std::vector<std::size_t> positions) {
  positions = with_zero_folders(std::move(positions));
  Level level{std::move(path), std::move(relative_dir), {}, {}};
  const std::unique_ptr<DIR, CloseFolder> folder(opendir(level.path.c_str()));
  int error = folder ? 0 : errno;
  while (folder) {
    errno = 0;
    const dirent* entry = readdir(folder.get());
    error = errno;
    if (!entry) break;
    sort_in(level, positions, entry->d_name, entry->d_type);
  }
  if (error != 0)
    failure_ = FoundFile{.path = level.path,
                         .relative_dir = level.relative_dir,
                         .error = fmt::format("the folder cannot be read: {}", std::strerror(error))};
  std::ranges::sort(level.files);
  std::ranges::sort(level.folders, {}, &Folder::name);
  levels_.push_back(std::move(level));
}

void FolderWalk::sort_in(Level& level, const std::vector<std::size_t>& positions, std::string name,
                         unsigned char type) const {
  if (name == "." || name == "..") return;
  const bool file = wanted_file(positions, name);
  const bool certain = type == DT_REG || type == DT_DIR;
  if (!certain && !file && positions_inside(positions, name, false).empty()) return;
  bool is_link = type == DT_LNK, is_folder = type == DT_DIR, is_file = type == DT_REG;
  if (!certain) {
    const std::string path = join_path(level.path, name);
    struct stat status {};
    if (type == DT_UNKNOWN) is_link = lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
    const bool found = stat(path.c_str(), &status) == 0;
    is_folder = found && S_ISDIR(status.st_mode);
    is_file = !is_folder;  // what cannot be read, and what is no file, is reported
  }
  if (is_folder) {
    auto inside = positions_inside(positions, name, is_link);
    if (!inside.empty()) level.folders.push_back({std::move(name), std::move(inside)});
  } else if (is_file && file) {
    level.files.push_back(std::move(name));
  }
}

bool FolderWalk::wanted_file(const std::vector<std::size_t>& positions, const std::string& name) const {
  return !positions.empty() && positions.back() + 1 == components_.size() && matches_glob(components_.back(), name) &&
         wants_(name);
}

std::vector<std::size_t> FolderWalk::positions_inside(const std::vector<std::size_t>& positions,
                                                      const std::string& name, bool is_link) const {
  std::vector<std::size_t> inside;
  for (const std::size_t p : positions) {
    if (components_[p] == "**") {
      if (!is_link && !name.starts_with('.')) inside.push_back(p);
    } else if (p + 1 < components_.size() && matches_glob(components_[p], name)) {
      inside.push_back(p + 1);
    }
  }
  return inside;
}

std::vector<std::size_t> FolderWalk::with_zero_folders(std::vector<std::size_t> positions) const {
  for (std::size_t i = 0; i < positions.size(); ++i)
    if (components_[positions[i]] == "**") positions.push_back(positions[i] + 1);
  std::ranges::sort(positions);
  positions.erase(std::ranges::unique(positions).begin(), positions.end());
  return positions;
}

bool FolderWalk::is_skipped(const std::string& path) const {
  struct stat skipped {
  }, status{};  // asked each time: the run may only now have made the output folder
  return !skip_folder_.empty() && stat(skip_folder_.c_str(), &skipped) == 0 && stat(path.c_str(), &status) == 0 &&
         skipped.st_dev == status.st_dev && skipped.st_ino == status.st_ino;
}

FoundFile FolderWalk::describe(const Level& level, const std::string& name) const {
  FoundFile file{.path = join_path(level.path, name), .relative_dir = level.relative_dir};
  struct stat status {};
  if (stat(file.path.c_str(), &status) != 0) {
    file.error = fmt::format("the file cannot be read: {}", std::strerror(errno));
  } else if (!S_ISREG(status.st_mode)) {
    file.error = "it is not a regular file";
  } else {
    file.bytes = static_cast<std::uint64_t>(status.st_size);
    file.device = status.st_dev;
    file.inode = status.st_ino;
  }
  return file;
}

}  // namespace tessera::pipeline
