#include "pipeline/compare/memory_sample.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>

namespace tessera::pipeline {
namespace {

namespace fs = std::filesystem;

/// Names in a folder of /proc. Empty when it is gone.
std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code gone;
  for (fs::directory_iterator entry(folder, gone), end; !gone && entry != end; entry.increment(gone))
    names.push_back(entry->path().filename().string());
  return names;
}

bool kernel_lists_children() {
  static const bool listed = fs::exists(fmt::format("/proc/self/task/{}/children", ::getpid()));
  return listed;
}

std::vector<pid_t> children_of(pid_t process) {
  std::vector<pid_t> children;
  for (const std::string& thread : names_in(fmt::format("/proc/{}/task", process))) {
    std::ifstream file(fmt::format("/proc/{}/task/{}/children", process, thread));
    children.insert(children.end(), std::istream_iterator<pid_t>(file), {});
  }
  return children;
}

/// Adds one process. False when it is gone or may not be looked at.
bool add_process(pid_t process, MemorySample& sample) {
  std::ifstream file(fmt::format("/proc/{}/smaps_rollup", process));
  bool read = false;
  for (std::string line; std::getline(file, line);) {
    unsigned long long kib = 0;
    if (std::sscanf(line.c_str(), "Pss: %llu kB", &kib) == 1) {
      sample.pss_bytes += kib * 1024;
      read = true;
    } else if (std::sscanf(line.c_str(), "Private_Clean: %llu kB", &kib) == 1 ||
               std::sscanf(line.c_str(), "Private_Dirty: %llu kB", &kib) == 1) {
      sample.private_bytes += kib * 1024;
    }
  }
  if (read) ++sample.processes;
  return read;
}

std::uint64_t window_bytes(pid_t process) {
  constexpr std::uint64_t kBlock = 512;  // of stat's st_blocks, whatever the file system's own are
  const std::string folder = fmt::format("/proc/{}/fd", process);
  std::set<std::pair<dev_t, ino_t>> seen;
  std::uint64_t bytes = 0;
  for (const std::string& name : names_in(folder)) {
    const std::string path = folder + "/" + name;
    std::error_code gone;
    struct stat status {};
    if (fs::read_symlink(path, gone).string().starts_with("/memfd:") && ::stat(path.c_str(), &status) == 0 &&
        seen.insert({status.st_dev, status.st_ino}).second)
      bytes += static_cast<std::uint64_t>(status.st_blocks) * kBlock;
  }
  return bytes;
}

}  // namespace

std::vector<pid_t> process_tree(pid_t first) {
  if (!kernel_lists_children()) return process_tree_by_parents(first);
  std::vector<pid_t> tree{first};
  for (std::size_t i = 0; i < tree.size(); ++i) {
    const std::vector<pid_t> children = children_of(tree[i]);
    tree.insert(tree.end(), children.begin(), children.end());
  }
  return tree;
}

std::vector<pid_t> process_tree_by_parents(pid_t first) {
  std::multimap<pid_t, pid_t> children;
  for (const std::string& name : names_in("/proc")) {
    std::ifstream file("/proc/" + name + "/stat");
    std::string line;
    std::getline(file, line);
    const std::size_t name_end = line.rfind(')');  // a name may hold anything
    pid_t process = 0, parent = 0;
    if (name_end != std::string::npos && std::sscanf(line.c_str(), "%d", &process) == 1 &&
        std::sscanf(line.c_str() + name_end + 1, " %*c %d", &parent) == 1)
      children.emplace(parent, process);
  }
  std::vector<pid_t> tree{first};
  for (std::size_t i = 0; i < tree.size(); ++i) {
    const auto [begin, end] = children.equal_range(tree[i]);
    for (auto child = begin; child != end; ++child) tree.push_back(child->second);
  }
  return tree;
}

std::optional<MemorySample> sample_memory(pid_t first) {
  MemorySample sample;
  // First, since a process that ends lets go of its memory before its files: what has memory below had its windows
  // here.
  sample.windows_bytes = window_bytes(first);
  for (const pid_t process : process_tree(first))
    if (!add_process(process, sample) && process == first) return std::nullopt;
  return sample;
}

}  // namespace tessera::pipeline
