#include <algorithm>
#include <cctype>
#include <iterator>

#include "stages/codec.h"
#include "stages/codecs/jpeg.h"
#include "stages/codecs/png.h"
#include "stages/codecs/pnm.h"
#include "stages/codecs/tiff.h"
#include "stages/test_faults.h"

namespace tessera::stages {

const std::vector<const Codec*>& codecs() {
#ifdef TESSERA_FAULTS
  static const std::vector<const Codec*> all = [] {
    std::vector<const Codec*> with_faults = listed_codecs();
    with_faults.push_back(&fault_codec());
    return with_faults;
  }();
  return all;
#else
  return listed_codecs();
#endif
}

const std::vector<const Codec*>& listed_codecs() {
  static const std::vector<const Codec*> listed{&jpeg_codec(), &png_codec(), &tiff_codec(), &pnm_codec()};
  return listed;
}

Header Codec::probe_page(ByteSource& source, std::uint32_t page) const {
  if (page != 0) throw ImageError("a file of this format has one page");
  return probe(source);
}

const Codec* find_codec(std::string_view name) {
  const auto found = std::ranges::find(codecs(), name, &Codec::name);
  return found == codecs().end() ? nullptr : *found;
}

const Codec* codec_for_extension(std::string_view extension) {
  if (extension.starts_with('.')) extension.remove_prefix(1);
  const auto same = [&](std::string_view known) {
    return std::ranges::equal(known, extension, {}, {}, [](unsigned char c) { return std::tolower(c); });
  };
  for (const Codec* codec : codecs())
    if (std::ranges::any_of(codec->extensions(), same)) return codec;
  return nullptr;
}

Header probe(ByteSource& source) {
  const ReadBytes lent = source.at(0, 64);
  if (lent.empty()) throw ImageError("the file is empty");
  const std::vector<std::byte> first(lent.begin(), lent.end());
  for (std::uint32_t i = 0; i < codecs().size(); ++i) {
    if (!codecs()[i]->recognises(first)) continue;
    Header header = codecs()[i]->probe(source);
    header.codec = i;
    return header;
  }
  std::string names;
  for (const Codec* codec : listed_codecs()) {
    if (!names.empty()) names += codec == listed_codecs().back() ? " and " : ", ";
    std::ranges::transform(codec->name(), std::back_inserter(names), [](unsigned char c) { return std::toupper(c); });
  }
  throw ImageError("not an image format that Tessera reads (it reads " + names + ")");
}

}  // namespace tessera::stages
