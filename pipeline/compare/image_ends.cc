#include "pipeline/compare/image_ends.h"

#include <charconv>
#include <fstream>

#include "pipeline/compare/document.h"

namespace tessera::pipeline {
namespace {

std::string text_of(const Json& row, const char* key) {
  return row.contains(key) && row[key].is_string() ? row[key].get<std::string>() : std::string();
}

/// A name that is no UTF-8 stands beside itself as hexadecimal digits.
std::string name_of(const Json& row, const std::string& key) {
  const std::string hex = text_of(row, (key + "_bytes").c_str());
  if (hex.empty()) return text_of(row, key.c_str());
  std::string name;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    unsigned char byte = 0;
    std::from_chars(hex.data() + i, hex.data() + i + 2, byte, 16);
    name += static_cast<char>(byte);
  }
  return name;
}

}  // namespace

std::map<std::string, ImageEnd> image_ends(const std::string& folder) {
  std::map<std::string, ImageEnd> ends;
  std::ifstream manifest(folder + "/.tessera/manifest.jsonl");
  for (std::string line; std::getline(manifest, line);) {
    const Json row = Json::parse(line);
    ImageEnd& end = ends[name_of(row, "source")];
    end.status = text_of(row, "status");
    end.sentence = text_of(row, "error_message");
    if (const std::string name = name_of(row, "file_name"); !name.empty()) end.outputs.push_back(name);
  }
  return ends;
}

}  // namespace tessera::pipeline
