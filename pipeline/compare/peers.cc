#include "pipeline/compare/peers.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "pipeline/environment_error.h"
#include "pipeline/failure.h"
#include "pipeline/printable.h"
#include "pipeline/usage_error.h"

namespace tessera::pipeline {
namespace {

namespace fs = std::filesystem;

/// The one folder that holds the pictures and nothing else; "" if there is none.
std::string whole_folder(const std::vector<std::string>& paths) {
  const fs::path folder = fs::absolute(paths.front()).parent_path();
  if (std::ranges::any_of(paths, [&](const std::string& path) { return fs::absolute(path).parent_path() != folder; }))
    return "";
  const auto entries = static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), {}));
  // A name that a plain shell cannot be given ($'...') is no name for a peer.
  return entries == paths.size() && shell_quoted(folder.string()).front() != '$' ? folder.string() : "";
}

}  // namespace

const std::string& PeerInputs::folder() {
  if (!folder_.empty()) return folder_;
  folder_ = whole_folder(set_.paths);
  if (!folder_.empty()) return folder_;
  folder_ = set_.work + "/peer-in";
  fs::create_directories(folder_);
  for (std::size_t i = 0; i < set_.paths.size(); ++i) {
    const fs::path path = fs::absolute(set_.paths[i]);
    fs::path link = fs::path(folder_) / path.filename();
    for (std::size_t n = i; fs::is_symlink(fs::symlink_status(link)); ++n)
      link = fs::path(folder_) / fmt::format("{}-{}", n, path.filename().string());
    std::error_code error;
    fs::create_symlink(path, link, error);
    if (error) throw EnvironmentError(fmt::format("cannot link {}: {}", printable(link.string()), error.message()));
  }
  return folder_;
}

const std::string& PeerInputs::list() {
  if (!list_.empty()) return list_;
  list_ = set_.work + "/peer-list.txt";
  std::ofstream file(list_, std::ios::binary);
  for (const std::string& path : set_.paths) {
    if (path.find('\n') != std::string::npos)
      throw UsageError(
          fmt::format("--peer: {} holds a line break, {{list}} cannot name it; use {{in}}", printable(path)));
    file << fs::absolute(path).string() << '\n';
  }
  file.close();
  if (!file) throw EnvironmentError(fmt::format("cannot write {}", printable(list_)));
  return list_;
}

std::vector<std::string> PeerInputs::words(const Configuration& peer, const std::string& output) {
  const std::string& text = peer.peer_command;
  std::string command;
  for (std::size_t at = 0; at < text.size();) {  // once through: a path may hold what looks like a place
    const auto takes = [&](std::string_view place) {
      const bool here = std::string_view(text).substr(at).starts_with(place);
      if (here) at += place.size();
      return here;
    };
    if (takes("{in}"))
      command += shell_quoted(folder());
    else if (takes("{list}"))
      command += shell_quoted(list());
    else if (takes("{out}"))
      command += shell_quoted(output);
    else
      command += text[at++];
  }
  return {"/bin/sh", "-c", command};
}

}  // namespace tessera::pipeline
