#include "pipeline/stage_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "pipeline/usage_error.h"

namespace tessera::pipeline {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool is_name(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !text.empty() && letter(text[0]) &&
         std::ranges::all_of(text, [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-'; });
}

/// One word at text[at], which is not blank; `at` moves behind it. The name is empty if the word has none.
stages::Values::Pair read_word(std::string_view text, std::size_t& at) {
  stages::Values::Pair word;
  std::string& value = word.second;
  bool plain = true;  // no quote, backslash or name so far
  for (; at < text.size() && !is_blank(text[at]); ++at) {
    const char c = text[at];
    if (c == '\\') {
      if (++at == text.size()) throw UsageError("a backslash at the end stands before nothing");
      value += text[at];
      plain = false;
    } else if (c == '\'' || c == '"') {
      plain = false;
      for (++at; at < text.size() && text[at] != c; ++at) {
        if (c == '"' && text[at] == '\\' && at + 1 < text.size()) ++at;
        value += text[at];
      }
      if (at == text.size()) throw UsageError(fmt::format("the quote {} is not closed", c));
    } else if (c == '=' && plain && is_name(value)) {
      word.first = std::move(value);
      value.clear();
      plain = false;
    } else {
      value += c;
    }
  }
  return word;
}

std::string quoted_if_needed(std::string_view value, bool unnamed) {
  const bool needed = value.empty() || std::ranges::any_of(value, [&](char c) {
                        return is_blank(c) || c == '\'' || c == '"' || c == '\\' || (unnamed && c == '=');
                      });
  if (!needed) return std::string(value);
  if (value.find('\'') == std::string_view::npos) return fmt::format("'{}'", value);
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace

StageText parse_stage_text(std::string_view text) {
  StageText stage;
  bool unnamed = false;
  for (std::size_t at = 0;;) {
    while (at < text.size() && is_blank(text[at])) ++at;
    if (at == text.size()) break;
    stages::Values::Pair word = read_word(text, at);
    if (stage.op.empty()) {
      if (!word.first.empty() || !is_name(word.second))
        throw UsageError(fmt::format("it begins with '{}{}{}', not with the name of a stage", word.first,
                                     word.first.empty() ? "" : "=", word.second));
      stage.op = std::move(word.second);
      continue;
    }
    if (word.first.empty() && unnamed)
      throw UsageError(fmt::format(
          "'{}' has no name; only one value may go without (write name=value, and quote a value with blanks)",
          word.second));
    unnamed |= word.first.empty();
    stage.pairs.push_back(std::move(word));
  }
  if (stage.op.empty()) throw UsageError("it names no stage");
  return stage;
}

std::vector<std::string> split_words(std::string_view text, std::string_view where) {
  std::vector<std::string> words;
  for (std::size_t at = 0;;) {
    while (at < text.size() && is_blank(text[at])) ++at;
    if (at == text.size()) return words;
    try {
      auto [name, value] = read_word(text, at);
      words.push_back(name.empty() ? std::move(value) : fmt::format("{}={}", name, value));
    } catch (const UsageError& error) {
      throw UsageError(fmt::format("{}: {}", where, error.what()));
    }
  }
}

std::string to_stage_text(std::string_view op, std::span<const stages::Values::Pair> pairs) {
  std::string text(op);
  for (const auto& [name, value] : pairs) {
    text += ' ';
    if (!name.empty()) text += name + '=';
    text += quoted_if_needed(value, name.empty());
  }
  return text;
}

}  // namespace tessera::pipeline
