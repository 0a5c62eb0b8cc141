#include "pipeline/printable.h"

#include <fmt/format.h>

#include "pipeline/utf8.h"

namespace tessera::pipeline {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

/// Bytes at `i` that belong together: a whole UTF-8 character, or the one byte that is none.
std::size_t character_at(std::string_view text, std::size_t i) {
  for (const std::size_t length : {1UL, 2UL, 3UL, 4UL})
    if (i + length <= text.size() && is_utf8(text.substr(i, length))) return length;
  return 0;
}

}  // namespace

std::string printable(std::string_view text, bool keep_lines) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = character_at(text, i);
    const bool line = keep_lines && (text[i] == '\n' || text[i] == '\t');
    // U+0080..U+009F are control characters of terminals, too.
    const bool c1 = length == 2 && text[i] == '\xc2' && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (length == 0 || c1 || (is_control(text[i]) && !line))
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[i])), i += 1;
    else
      out += text.substr(i, length), i += length;
  }
  return out;
}

}  // namespace tessera::pipeline
