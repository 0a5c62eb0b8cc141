// Names are bytes, terminals are not: what a line of a log may show of them.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "pipeline/utf8.h"

namespace tessera::pipeline {

/// Control bytes, and all bytes above ASCII where the text is no UTF-8, as \x1b: one line, whatever the name holds.
inline std::string printable(std::string_view bytes) {
  const bool text = is_utf8(bytes);
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto c = static_cast<unsigned char>(bytes[i]);
    // C1 controls (U+0080 to U+009F) are two bytes in UTF-8; terminals obey them.
    const bool c1 = c == 0xc2 && i + 1 < bytes.size() && static_cast<unsigned char>(bytes[i + 1]) < 0xa0;
    if (c < 0x20 || c == 0x7f || c1 || (c >= 0x80 && !text))
      out += fmt::format("\\x{:02x}", c);
    else
      out += bytes[i];
    if (c1 && text) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(bytes[++i]));
  }
  return out;
}

}  // namespace tessera::pipeline
