// Output names: whatever the template and the input's own name are, the result stays inside the output folder and out
// of the journal's folder.
#include "pipeline/name_template.h"

#include <fuzzer/FuzzedDataProvider.h>
#include <algorithm>

#include "tests/fuzz/fuzz.h"

namespace tessera::fuzz {
using namespace pipeline;
namespace {

void check_name(std::string_view path) {
  require(!path.empty() && path.size() <= 4095, "a name has 1 to 4095 bytes");
  require(path.find('\0') == std::string_view::npos, "a name holds no NUL");
  for (bool first = true; !path.empty(); first = false) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view component = path.substr(0, end);
    require(!component.empty() && component.size() <= 255, "a component has 1 to 255 bytes");
    require(component != "." && component != "..", "a name goes down only");
    require(!first || component != ".tessera", "the journal's folder is not written to");
    require(end + 1 != path.size(), "a name does not end in a slash");
    path.remove_prefix(std::min(end + 1, path.size()));
  }
}

void expand(FuzzedDataProvider& in) {
  const NameTemplate parsed = NameTemplate::parse(in.ConsumeRandomLengthString());
  const std::string text = parsed.text();
  require(NameTemplate::parse(text).text() == text, "a template's text parses back to itself");
  const std::string path = in.ConsumeRandomLengthString();
  NameFields fields = fields_of_input(path, in.ConsumeRandomLengthString());
  fields.ext = extension_of(path);
  fields.n = in.ConsumeIntegral<std::uint64_t>();
  fields.width = in.ConsumeIntegralInRange(1, 1 << 26);
  fields.height = in.ConsumeIntegralInRange(1, 1 << 26);
  fields.hash8 = "0123abcd";
  fields.format = "jpeg";
  check_name(parsed.expand(fields));
}

}  // namespace
}  // namespace tessera::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider in(data, size);
  try {
    tessera::fuzz::expand(in);
  } catch (const tessera::pipeline::UsageError&) {
  } catch (const tessera::stages::ImageError&) {
  }
  return 0;
}
