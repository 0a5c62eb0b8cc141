#include "pipeline/failure.h"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/printable.h"
#include "pipeline/utf8.h"

namespace tessera::pipeline {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

}  // namespace

std::string shell_quoted(std::string_view text) {
  if (is_utf8(text) && std::ranges::none_of(text, is_control)) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
  }
  std::string out = "$'";
  for (const char c : text) {
    if (is_control(c) || static_cast<unsigned char>(c) >= 0x80)
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else if (c == '\'' || c == '\\')
      out += '\\', out += c;
    else
      out += c;
  }
  return out + "'";
}

std::string shell_word(std::string_view text) {
  const bool plain = !text.empty() && std::ranges::all_of(text, [](char c) {
    return std::string_view("%+,-./:=@_").find(c) != std::string_view::npos || (c >= '0' && c <= '9') ||
           (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  });
  return plain ? std::string(text) : shell_quoted(text);
}

std::string command_again(std::string_view output_folder, std::string_view recipe_hash8, std::string_view flags,
                          std::string_view input) {
  // A name that begins with a dash would be an option.
  const std::string name = input.starts_with('-') ? fmt::format("./{}", input) : std::string(input);
  return fmt::format("tessera run --recipe {} {} --on-exist overwrite -o /tmp/again {}",
                     shell_quoted(fmt::format("{}/.tessera/recipe-{}.toml", output_folder, recipe_hash8)), flags,
                     shell_quoted(name));
}

std::string to_text(const FailureBundle& bundle, std::string_view input, std::string_view sentence) {
  std::string text = fmt::format("input: {}\nwhat happened: {}\n", printable(input), printable(sentence));
  if (bundle.signal != 0) text += fmt::format("signal: {}\n", bundle.signal);
  if (!bundle.step.empty()) text += fmt::format("step: {}\n", bundle.step);
  if (!bundle.stage.empty()) text += fmt::format("stage: {}\n", bundle.stage);
  text += fmt::format("jobs started: {}\nto see it again: {}\n", bundle.attempts, bundle.command);
  if (!bundle.output.empty()) text += fmt::format("the last that its worker wrote:\n{}\n", bundle.output);
  return text;
}

}  // namespace tessera::pipeline
