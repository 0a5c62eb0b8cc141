// Where the fuzzers start from, made anew for each build: small pictures of every encoder, each stage's example, whole
// recipes, payloads as the program writes them. fuzz_seeds FOLDER writes FOLDER/CORPUS/NAME, and FOLDER/stages.dict.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "pipeline/metadata_block.h"
#include "pipeline/recipe.h"
#include "pipeline/wire.h"
#include "stages/codecs/byte_io.h"
#include "stages/codecs/metadata.h"
#include "tests/fuzz/fuzz.h"

namespace tessera::fuzz {
using namespace stages;
namespace fs = std::filesystem;
namespace {

class Seeds {
 public:
  explicit Seeds(fs::path folder) : folder_(std::move(folder)) {}

  void add(std::string_view corpus, ReadBytes bytes) {
    fs::create_directories(folder_ / corpus);
    write(fs::path(corpus) / std::to_string(count_++), {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  void add(std::string_view corpus, std::string_view text) { add(corpus, std::as_bytes(std::span(text))); }
  void write(const fs::path& name, std::string_view text) {
    std::ofstream file(folder_ / name, std::ios::binary);
    if (!(file << text)) throw std::runtime_error("cannot write " + (folder_ / name).string());
  }

 private:
  fs::path folder_;
  int count_ = 0;
};

/// Orientation 6 and an empty IFD1, little-endian; a copyright packet; an IPTC record; 300 dots per inch.
Metadata small_metadata() {
  constexpr std::string_view kExif("II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\x1a\0\0\0\0\0\0\0\0\0", 32);
  constexpr std::string_view kIptc("\x1c\x02\x74\0\x02me", 7);
  Metadata metadata;
  add_block(metadata, "exif", std::as_bytes(std::span(kExif)));
  add_block(metadata, "xmp", std::as_bytes(std::span(std::string_view("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"))));
  add_block(metadata, "iptc", std::as_bytes(std::span(kIptc)));
  add_block(metadata, "density", density_block({11811, 11811, Density::Unit::per_metre}));
  return metadata;
}

std::vector<std::byte> picture_file(const Codec& codec, ImageInfo info, const std::vector<Values::Pair>& settings) {
  info.format = codec.storable(info.format);
  Picture picture(info);
  picture.fill(7);
  MemorySink sink;
  const auto encoder =
      codec.encode(sink, info, small_metadata(), Values::parse(codec.name(), codec.encode_parameters(), settings));
  encoder->write(picture.view());
  encoder->finish();
  return sink.bytes();
}

/// Every format that the codec stores, and every setting that is a choice.
std::vector<std::vector<std::byte>> picture_files(const Codec& codec) {
  std::vector<std::vector<std::byte>> files;
  for (const Model model : {Model::gray, Model::bgr, Model::ycbcr_planar})
    for (const Depth depth : {Depth::u8, Depth::u16})
      for (const bool alpha : {false, true})
        if (codec.storable({model, depth, alpha}) == PixelFormat{model, depth, alpha})
          files.push_back(picture_file(codec, {23, 17, {model, depth, alpha}, {}, 0}, {}));
  for (const Parameter& parameter : codec.encode_parameters()) {
    for (const std::string_view choice : parameter.choices)
      files.push_back(picture_file(codec, {23, 17, {}, {}, 0}, {{std::string(parameter.name), std::string(choice)}}));
    if (parameter.type == ParameterType::boolean)
      files.push_back(picture_file(codec, {23, 17, {}, {}, 0}, {{std::string(parameter.name), "true"}}));
  }
  return files;
}

void add_pictures(Seeds& seeds) {
  for (const Codec* codec : listed_codecs())
    for (const std::vector<std::byte>& file : picture_files(*codec)) {
      seeds.add(codec->name(), file);
      MemorySource source(file);
      const Header header = probe(source);
      std::vector<std::byte> planned(1);
      std::ranges::copy(std::as_bytes(std::span(&header, 1)), std::back_inserter(planned));
      std::ranges::copy(std::as_bytes(std::span(&header.full, 1)), std::back_inserter(planned));
      for (int recipe = 0; recipe < 7; ++recipe) {
        planned[0] = static_cast<std::byte>(recipe);
        seeds.add("plan", planned);
      }
    }
  for (const auto& [name, block] : small_metadata()) seeds.add("metadata", block);
}

void add_stages(Seeds& seeds) {
  std::string dictionary, recipe = "version = 1\n";
  for (const StageEntry& entry : catalogue()) {
    // 24x17: gray u8, BGR u16 with alpha, planes with 4:2:0.
    for (const std::string_view header : {"\x17\x10\x00\x00\x05", "\x17\x10\x84\x00\x05", "\x17\x10\x02\x03\x05"})
      seeds.add("stages", fmt::format("{}{}\nresize 50%", std::string_view(header.data(), 5), entry.example));
    dictionary += fmt::format("\"{}\"\n", entry.name);
    recipe += fmt::format("[[stage]]\nop = \"{}\"\n", entry.name);
    for (const Parameter& parameter : entry.parameters) {
      dictionary += fmt::format("\" {}=\"\n", parameter.name);
      for (const std::string_view choice : parameter.choices) dictionary += fmt::format("\"{}\"\n", choice);
      if (!parameter.default_value.empty())
        recipe += fmt::format("{} = \"{}\"\n", parameter.name, parameter.default_value);
    }
  }
  seeds.write("stages.dict", dictionary);
  seeds.add("recipe", recipe);
  seeds.add("recipe", pipeline::default_recipe().recipe.canonical());
}

void add_payloads(Seeds& seeds) {
  pipeline::Table table;
  table.pieces = {{{1, 2, 4096, 640}, 0, 16}, {{2, 2, 0, 640}, 16, 20}};
  table.statistics = {{1, 2, 64, 128}};
  table.resolved.push_back({64, 48, {}, {}, 0});
  seeds.add("wire", pipeline::to_bytes(table));
  std::vector<std::byte> block(512);
  pipeline::write_metadata(small_metadata(), block);
  seeds.add("wire", block);
  seeds.add("wire", "the file ends early");
}

void add_texts(Seeds& seeds) {
  for (const char* text : {"800x600>", "50%", "50%x25%", "1024x", "x768", "640x480+10-20", "100x100^", "20x30!", "7<"})
    seeds.add("geometry", text);
  for (const char* text : {"4G", "1.5GiB", "8MB", "50%", "2.5k", "1m30s", "500ms", "2h", "1048576"})
    seeds.add("size_text", text);
  for (const char* text : {"*.jpg\na.jpg", "{a,b{c,d}}?/**/[!a-z]\\*\nacx", "[]-a]*\n]", "**/x\n.x"})
    seeds.add("glob", text);
  // A backslash and another byte end one string and begin the next: template, input, its relative folder.
  for (const char* text : {"{reldir}/{name}.{ext}\\ /a/b.jpg\\ b/c\\ ", "{dir}/{n:06}_{w}x{h}.png\\ x.y\\ \\ ",
                           "{{{hash8}}}/{format}\\ .\\ ..\\ "})
    seeds.add("name_template", text);
  for (const std::string_view text : {std::string_view("a\nb c\r\n\n/d"), std::string_view("a\0b\nc\0", 6)})
    seeds.add("path_list", text);
  seeds.add("channel", std::string(600, '\1'));
  seeds.add("encode", std::string(400, '\1'));
}

}  // namespace
}  // namespace tessera::fuzz

int main(int argc, char** argv) {
  using namespace tessera::fuzz;
  if (argc != 2) {
    std::cerr << "usage: fuzz_seeds FOLDER\n";
    return 2;
  }
  std::filesystem::create_directories(argv[1]);
  Seeds seeds(argv[1]);
  add_pictures(seeds);
  add_stages(seeds);
  add_payloads(seeds);
  add_texts(seeds);
}
