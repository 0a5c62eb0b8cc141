#include "pipeline/glob.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "pipeline/usage_error.h"

namespace tessera::pipeline {
namespace {

constexpr std::size_t kMaxPatterns = 10'000;
constexpr char32_t kRawByte = 0x110000;  // + value: a byte that begins no UTF-8 character

/// The character at text[at]; `at` moves behind it.
char32_t take_character(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  const std::size_t length = lead < 0x80                   ? 1
                             : lead >= 0xf0 && lead < 0xf5 ? 4
                             : lead >= 0xe0                ? 3
                             : lead >= 0xc2                ? 2
                                                           : 0;
  bool whole = length > 0 && lead < 0xf5 && at + length <= text.size();
  char32_t value = length == 1 ? lead : lead & (0xffU >> (length + 1));
  for (std::size_t i = 1; whole && i < length; ++i) {
    whole = (byte(at + i) & 0xc0U) == 0x80;
    value = (value << 6) | (byte(at + i) & 0x3fU);
  }
  at += whole ? length : 1;
  return whole ? value : kRawByte + lead;
}

/// [...] at pattern[at]: whether `character` is in it, and `at` moves behind it. Empty: the bracket is not closed.
std::optional<bool> in_brackets(std::string_view pattern, std::size_t& at, char32_t character) {
  std::size_t i = at + 1;
  const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  if (negated) ++i;
  const auto member = [&] {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
    return take_character(pattern, i);
  };
  bool found = false;
  for (bool first = true; i < pattern.size() && (first || pattern[i] != ']'); first = false) {
    const char32_t low = member();
    char32_t high = low;
    if (i + 1 < pattern.size() && pattern[i] == '-' && pattern[i + 1] != ']') ++i, high = member();
    found |= character >= low && character <= high;
  }
  if (i >= pattern.size()) return std::nullopt;
  at = i + 1;
  return found != negated;
}

/// One character of `name` against one element (not *) of `pattern`; both positions move on success.
bool match_one(std::string_view pattern, std::size_t& p, std::string_view name, std::size_t& n) {
  std::size_t after_p = p, after_n = n;
  const char32_t character = take_character(name, after_n);
  bool matched = false;
  std::optional<bool> bracket;
  if (pattern[p] == '[') bracket = in_brackets(pattern, after_p, character);
  if (bracket) {
    matched = *bracket;
  } else if (pattern[p] == '?') {
    matched = true;
    ++after_p;
  } else {
    if (pattern[p] == '\\' && p + 1 < pattern.size()) ++after_p;
    matched = take_character(pattern, after_p) == character;
  }
  if (matched) p = after_p, n = after_n;
  return matched;
}

struct Braces {
  std::size_t open = 0, close = 0;
  std::vector<std::size_t> commas;
};

/// The first balanced {...} with a comma of its own.
std::optional<Braces> find_braces(std::string_view pattern) {
  for (std::size_t open = 0; open < pattern.size(); ++open) {
    if (pattern[open] == '\\')
      ++open;
    else if (pattern[open] == '{') {
      Braces braces{open, 0, {}};
      int depth = 0;
      for (std::size_t i = open; i < pattern.size() && braces.close == 0; ++i) {
        if (pattern[i] == '\\')
          ++i;
        else if (pattern[i] == '{')
          ++depth;
        else if (pattern[i] == ',' && depth == 1)
          braces.commas.push_back(i);
        else if (pattern[i] == '}' && --depth == 0)
          braces.close = i;
      }
      if (braces.close != 0 && !braces.commas.empty()) return braces;
    }
  }
  return std::nullopt;
}

}  // namespace

bool has_glob_characters(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == '*' || text[i] == '?' || text[i] == '[' || text[i] == '{')
      return true;
  }
  return false;
}

std::vector<std::string> expand_braces(std::string_view pattern) {
  const auto braces = find_braces(pattern);
  if (!braces) return {std::string(pattern)};
  const std::vector<std::string> tails = expand_braces(pattern.substr(braces->close + 1));
  std::vector<std::size_t> ends = braces->commas;
  ends.push_back(braces->close);
  std::vector<std::string> expanded;
  std::size_t begin = braces->open + 1;
  for (const std::size_t end : ends) {
    for (const std::string& middle : expand_braces(pattern.substr(begin, end - begin)))
      for (const std::string& tail : tails) {
        if (expanded.size() == kMaxPatterns)
          throw UsageError(fmt::format("the braces in '{}' stand for more than {} patterns", pattern, kMaxPatterns));
        expanded.push_back(std::string(pattern.substr(0, braces->open)) + middle + tail);
      }
    begin = end + 1;
  }
  return expanded;
}

bool matches_glob(std::string_view pattern, std::string_view name) {
  if (name.starts_with('.') && !pattern.starts_with('.') && !pattern.starts_with("\\.")) return false;
  // Only the last * needs to be tried again: an earlier one that took more could not help.
  std::size_t p = 0, n = 0;
  std::optional<std::pair<std::size_t, std::size_t>> retry;
  while (n < name.size() || p < pattern.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      retry.emplace(++p, n);
    } else if (p == pattern.size() || n == name.size() || !match_one(pattern, p, name, n)) {
      if (!retry || retry->second >= name.size()) return false;
      take_character(name, retry->second);
      std::tie(p, n) = *retry;
    }
  }
  return true;
}

std::string unescape_glob(std::string_view pattern) {
  std::string text;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
    text += pattern[i];
  }
  return text;
}

SplitGlob split_glob(std::string_view pattern) {
  SplitGlob split;
  std::string folder = pattern.starts_with('/') ? "/" : "";
  for (std::size_t begin = 0; begin <= pattern.size();) {
    const std::size_t end = std::min(pattern.find('/', begin), pattern.size());
    const std::string_view component = pattern.substr(begin, end - begin);
    begin = end + 1;
    if (component.empty()) continue;
    if (!split.components.empty() || has_glob_characters(component)) {
      if (component == "." || component == "..")
        throw UsageError(fmt::format("'{}': '{}' cannot follow a wildcard", pattern, component));
      split.components.emplace_back(component);
    } else {
      folder += (folder.empty() || folder.ends_with('/') ? "" : "/") + unescape_glob(component);
    }
  }
  split.folder = folder.empty() ? "." : folder;
  return split;
}

}  // namespace tessera::pipeline
