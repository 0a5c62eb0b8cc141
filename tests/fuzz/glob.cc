// Shell patterns against names: "PATTERN\nNAME". An escaped name matches itself; braces and ** stay bounded.
#include "pipeline/glob.h"

#include <algorithm>

#include "pipeline/usage_error.h"
#include "tests/fuzz/fuzz.h"

namespace tessera::fuzz {
using namespace pipeline;
namespace {

std::string escaped(std::string_view name) {
  std::string pattern;
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < 0x80) pattern += '\\';  // the bytes of one character stay together
    pattern += c;
  }
  return pattern;
}

void match(std::string_view pattern, std::string_view name) {
  require(unescape_glob(escaped(name)) == name, "escaping a name loses nothing");
  require(matches_glob(escaped(name), name), "an escaped name matches itself");
  require(name.starts_with('.') || matches_glob("*", name), "* matches every name that is not hidden");
  for (const std::string& one : expand_braces(pattern)) {
    matches_glob(one, name);
    split_glob(one);
  }
}

}  // namespace
}  // namespace tessera::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = tessera::fuzz::text_of(data, size);
  const std::size_t end = std::min(text.find('\n'), text.size());
  try {
    tessera::fuzz::match(text.substr(0, end), text.substr(std::min(end + 1, text.size())));
  } catch (const tessera::pipeline::UsageError&) {
  }
  return 0;
}
