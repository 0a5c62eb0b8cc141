// Shell patterns: * ? [a-z] [!a-z] {a,b} and ** for any number of folders; a backslash takes the next byte as it is.
// Pure text: folder_walk.h does the walking.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tessera::pipeline {

bool has_glob_characters(std::string_view text);

/// "{a,b}/*.{jpg,png}" -> the four patterns, in order; nests. Unbalanced braces stand for themselves. Throws UsageError
/// beyond 10,000 patterns.
std::vector<std::string> expand_braces(std::string_view pattern);

/// One path component against one pattern component. A leading dot must be matched by a leading dot. ? and [...] take
/// one UTF-8 character, or one byte where the name is not UTF-8. An unclosed [ stands for itself.
bool matches_glob(std::string_view pattern, std::string_view name);

/// The pattern without its escaping backslashes.
std::string unescape_glob(std::string_view pattern);

/// "photos/2024/*/x?.jpg" -> folder "photos/2024" (unescaped), components {"*", "x?.jpg"}. "**" must be a component of
/// its own to cross folders. Throws UsageError: "." or ".." after the first wildcard.
struct SplitGlob {
  std::string folder;  // "." if the pattern begins with a wildcard
  std::vector<std::string> components;
};
SplitGlob split_glob(std::string_view pattern);

}  // namespace tessera::pipeline
