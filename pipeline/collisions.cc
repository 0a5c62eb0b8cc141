#include "pipeline/collisions.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "stages/image.h"
#include "stages/values.h"

namespace tessera::pipeline {
namespace {

constexpr std::array<std::string_view, 4> kPolicies{"error", "skip", "overwrite", "newer"};  // in the order of OnExist

struct Entry {
  std::string folder, name;
};

/// A directory entry is its folder and its name, so that two paths can be compared without trusting their spelling.
Entry entry_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

bool same_entry(const std::string& a, const std::string& b) {
  const Entry first = entry_of(a), second = entry_of(b);
  struct stat first_folder {
  }, second_folder{};
  return first.name == second.name && stat(first.folder.c_str(), &first_folder) == 0 &&
         stat(second.folder.c_str(), &second_folder) == 0 && first_folder.st_dev == second_folder.st_dev &&
         first_folder.st_ino == second_folder.st_ino;
}

/// `output` exists; its own (not its target's) status is `status`.
bool is_the_input(const std::string& output, const struct stat& status, const std::string& input) {
  if (same_entry(output, input)) return true;  // also if the input is a link: replacing the link loses the way to it
  struct stat original {};
  if (stat(input.c_str(), &original) != 0 || original.st_dev != status.st_dev || original.st_ino != status.st_ino)
    return false;
  if (status.st_nlink == 1) return true;
  // Several names for one file: replacing one of them leaves the others, unless it is the one the input's link means.
  const std::unique_ptr<char, decltype(&std::free)> real(realpath(input.c_str(), nullptr), &std::free);
  return !real || same_entry(output, real.get());
}

}  // namespace

std::string to_string(const Collision& c) {
  if (c.kind == Collision::Kind::input_file)
    return fmt::format("the output of '{}' would overwrite the input '{}'", c.second_input, c.first_input);
  if (c.first_input == c.second_input)
    return fmt::format("two outputs of '{}' would both be written to '{}'", c.first_input, c.output);
  return fmt::format("'{}' and '{}' would both be written to '{}'", c.first_input, c.second_input, c.output);
}

CollisionDetector::Hash CollisionDetector::hash_of(std::string_view text) {
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  return {hash.low64, hash.high64};
}

std::optional<Collision> CollisionDetector::add(std::string_view output, std::string_view input) {
  const Hash output_hash = hash_of(output), input_hash = hash_of(input);
  const auto [own, new_input] = inputs_.try_emplace(input_hash, input);
  const auto [maker, new_output] = output_makers_.try_emplace(output_hash, &own->second);
  if (!new_output)
    return Collision{Collision::Kind::same_output, std::string(output), *maker->second, std::string(input)};
  if (const auto victim = inputs_.find(output_hash); victim != inputs_.end() && victim != own)
    return Collision{Collision::Kind::input_file, std::string(output), victim->second, std::string(input)};
  if (const auto earlier = output_makers_.find(input_hash);
      new_input && earlier != output_makers_.end() && *earlier->second != input)
    return Collision{Collision::Kind::input_file, std::string(input), std::string(input), *earlier->second};
  return std::nullopt;
}

std::span<const std::string_view> on_exist_names() { return kPolicies; }

OnExist parse_on_exist(std::string_view name, std::string_view where) {
  const auto found = std::ranges::find(kPolicies, name);
  if (found != kPolicies.end()) return static_cast<OnExist>(found - kPolicies.begin());
  const std::string_view near = stages::nearest(name, kPolicies);
  throw UsageError(fmt::format("{}: on-exist: '{}' is not one of {}{}", where, name, fmt::join(kPolicies, ", "),
                               near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
}

Existing look_at_output(const std::string& output, const std::string& input) {
  struct stat status {};
  if (lstat(output.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    throw stages::ImageError(fmt::format("cannot look at the output '{}': {}", output, std::strerror(errno)));
  }
  Existing existing;
  existing.modified_ns = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  using Kind = Existing::Kind;
  if (S_ISDIR(status.st_mode))
    existing.kind = Kind::folder;
  else if (is_the_input(output, status, input))
    existing.kind = Kind::the_input;
  else
    existing.kind = S_ISREG(status.st_mode) ? Kind::file : S_ISLNK(status.st_mode) ? Kind::link : Kind::other;
  return existing;
}

Decision decide(OnExist policy, const Existing& existing, std::int64_t input_modified_ns, bool in_place) {
  switch (existing.kind) {
    case Existing::Kind::absent:
      return {Action::create, {}};
    case Existing::Kind::folder:
      return {Action::refuse, "a folder has its name"};
    case Existing::Kind::other:
      return {Action::refuse, "a device, pipe or socket has its name"};
    case Existing::Kind::the_input:
      if (in_place) return {Action::replace, {}};
      return {Action::refuse, "it is the input itself, and originals are never overwritten"};
    case Existing::Kind::file:
    case Existing::Kind::link:
      break;
  }
  switch (policy) {
    case OnExist::error:
      return {Action::refuse, "it exists already (see --on-exist)"};
    case OnExist::skip:
      return {Action::skip, "it exists already"};
    case OnExist::overwrite:
      return {Action::replace, {}};
    case OnExist::newer:
      if (input_modified_ns > existing.modified_ns) return {Action::replace, {}};
      return {Action::skip, "it is not older than the input"};
  }
  return {Action::refuse, "the policy is unknown"};
}

void Originals::add(const std::string& path) {
  struct stat s {};
  if (stat(path.c_str(), &s) == 0) ids_.emplace(s.st_dev, s.st_ino);
  if (lstat(path.c_str(), &s) == 0) ids_.emplace(s.st_dev, s.st_ino);
}

bool Originals::contains(const std::string& path) const {
  struct stat s {};
  return lstat(path.c_str(), &s) == 0 && ids_.contains({s.st_dev, s.st_ino});
}

}  // namespace tessera::pipeline
