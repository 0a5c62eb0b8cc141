#include "pipeline/name_template.h"

#include <catch2/catch.hpp>

#include "stages/image.h"
#include "tests/pipeline/test_vocabulary.h"
#include "tests/pipeline/usage_message.h"

namespace tessera::pipeline {
namespace {

NameFields sample_fields() {
  return {.dir = "holiday",
          .reldir = "2024/holiday",
          .name = "IMG_1",
          .ext = "jpg",
          .n = 42,
          .width = 1600,
          .height = 1067,
          .hash8 = "0badcafe",
          .format = "jpeg"};
}

TEST_CASE("templates expand to relative paths") {
  struct Row {
    std::string text, expected;
  };
  const std::vector<Row> rows{
      {"{reldir}/{name}.{ext}", "2024/holiday/IMG_1.jpg"},
      {"{dir}/{name}.{ext}", "holiday/IMG_1.jpg"},
      {"{n:06}_{w}x{h}.{format}", "000042_1600x1067.jpeg"},
      {"{n}{n:01}{w:05}-{hash8}", "424201600-0badcafe"},
      {"./a/./{name}", "a/IMG_1"},
      {"{{{name}}}.{ext}", "{IMG_1}.jpg"},
      {"{reldir}-small/{name}.webp", "2024/holiday-small/IMG_1.webp"},
      {"x{{", "x{"},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    const NameTemplate parsed = NameTemplate::parse(row.text);
    CHECK(parsed.expand(sample_fields()) == row.expected);
    CHECK(NameTemplate::parse(parsed.text()).expand(sample_fields()) == row.expected);
    CHECK(NameTemplate::parse(parsed.text()).text() == parsed.text());
  }
}

TEST_CASE("empty folder fields leave their component out") {
  NameFields fields = sample_fields();
  fields.reldir = fields.dir = "";
  CHECK(NameTemplate::parse("{reldir}/{name}.{ext}").expand(fields) == "IMG_1.jpg");
  CHECK(NameTemplate::parse("a/{dir}{reldir}/{name}").expand(fields) == "a/IMG_1");
  CHECK(NameTemplate::parse("{reldir}x/{name}").expand(fields) == "x/IMG_1");
  CHECK_THROWS_AS(NameTemplate::parse("a/{dir}").expand(fields), stages::ImageError);
  CHECK_THROWS_AS(NameTemplate::parse("{reldir}").expand(fields), stages::ImageError);
}

TEST_CASE("templates that make no name are refused with a sentence") {
  struct Row {
    std::string text, sentence;
  };
  const std::vector<Row> rows{
      {"", "is empty"},
      {"/{name}", "is absolute"},
      {"{name}/", "ends in a slash"},
      {"a//{name}", "empty component"},
      {"../{name}", "'..'"},
      {"a/../{name}", "'..'"},
      {".", "names no file"},
      {"{nmae}.{ext}", "there is no field {nmae}; did you mean {name}?"},
      {"{zzzzzzzzz}", "there are {dir} {reldir} {name}"},
      {"{}", "there is no field {}"},
      {"{name", "unclosed {"},
      {"name}", "} without {"},
      {"{n:6}", "wrong format"},
      {"{n:0}", "wrong format"},
      {"{n:099}", "wrong format"},
      {"{n:06x}", "wrong format"},
      {"{name:06}", "wrong format"},
      {std::string("a\0b", 3), "NUL"},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    CHECK_THAT(usage_message([&] { NameTemplate::parse(row.text); }), Catch::Contains(row.sentence));
  }
}

TEST_CASE("no field can lead out of the output folder or to an impossible name") {
  const NameTemplate usual = NameTemplate::parse("{reldir}/{name}.{ext}");
  const auto fails = [](const NameTemplate& names, const NameFields& fields, const std::string& sentence) {
    CHECK_THROWS_WITH(names.expand(fields), Catch::Contains(sentence));
    CHECK_THROWS_AS(names.expand(fields), stages::ImageError);
  };
  NameFields fields = sample_fields();
  for (const char* reldir : {"..", "a/..", "../a", "a/../../b"}) fields.reldir = reldir, fails(usual, fields, "'..'");
  fields.reldir = "/etc", fails(usual, fields, "absolute");
  fields.reldir = "a//b", fails(usual, fields, "would be empty");
  fields = sample_fields();
  fields.name = std::string("a\0b", 3), fails(usual, fields, "NUL");
  fields.name = "..", fails(NameTemplate::parse("{name}"), fields, "'..'");
  fields.name = "", fails(NameTemplate::parse("{name}"), fields, "empty");
  fields.name = ".", fails(NameTemplate::parse("{name}"), fields, "empty");
  fields.name = ".tessera", fails(NameTemplate::parse("{name}"), fields, "journal");
  fails(NameTemplate::parse("./{name}/a"), fields, "journal");
  CHECK(NameTemplate::parse("a/{name}/{name}").expand(fields) == "a/.tessera/.tessera");
  CHECK(NameTemplate::parse("{name}x").expand(fields) == ".tesserax");
  fields.name = std::string(251, 'x');
  CHECK(usual.expand(fields).size() == std::string("2024/holiday/").size() + 255);
  fields.name += 'x', fails(usual, fields, "256 bytes");
  fields = sample_fields();
  for (int i = 0; i < 20; ++i) fields.reldir += "/" + std::string(250, 'd');
  fails(usual, fields, "the output path has");
}

TEST_CASE("names keep their bytes") {
  NameFields fields = sample_fields();
  for (const std::string name : {"\xff\xfe", "-rf", "a\nb", "%s", "{name}", "a\\b", "\x1b[31m"}) {
    fields.name = name;
    CHECK(NameTemplate::parse("{reldir}/{name}.{ext}").expand(fields) == "2024/holiday/" + name + ".jpg");
  }
}

TEST_CASE("a template knows what it needs") {
  CHECK(NameTemplate::parse("{n:04}-{name}").needs() == std::set<Field>{Field::n, Field::name});
  CHECK(NameTemplate::parse("{reldir}/{dir}{name}{n}.{ext}{format}").known_before_decode());
  for (const char* text : {"{w}", "{h}", "{hash8}"}) CHECK_FALSE(NameTemplate::parse(text).known_before_decode());
  CHECK(NameTemplate::parse("{name}.jpg").literal_extension() == "jpg");
  CHECK(NameTemplate::parse("{name}.tar.gz").literal_extension() == "gz");
  for (const char* text : {"{name}", "{name}.{ext}", ".jpg", "{name}.", "x.y/{name}"})
    CHECK(NameTemplate::parse(text).literal_extension().empty());
}

TEST_CASE("fields come from the input's path") {
  struct Row {
    std::string path, dir, name, ext;
  };
  const std::vector<Row> rows{
      {"a.jpg", "", "a", "jpg"}, {"x/a.jpg", "x", "a", "jpg"}, {"/x/y//a.b.JPG", "y", "a.b", "JPG"},
      {"/a", "", "a", ""},       {"./a.", "", "a", ""},        {"../.jpg", "", ".jpg", ""},
      {"x.y/a", "x.y", "a", ""}};
  for (const Row& row : rows) {
    INFO(row.path);
    const NameFields fields = fields_of_input(row.path, "rel");
    CHECK(fields.dir == row.dir);
    CHECK(fields.name == row.name);
    CHECK(fields.reldir == "rel");
    CHECK(extension_of(row.path) == row.ext);
  }
}

TEST_CASE("an extension keeps its spelling as long as the format stays") {
  const Vocabulary& words = test_vocabulary();
  const stages::Codec& jpeg = *words.find_codec("jpeg");
  for (const char* ext : {"JPG", "jpeg", "jpg", "Jpe"})
    CHECK(output_extension(std::string("a.") + ext, jpeg, words) == ext);
  for (const char* path : {"a.png", "a", "jpeg", "a.tif", "a."}) CHECK(output_extension(path, jpeg, words) == "jpg");
}

}  // namespace
}  // namespace tessera::pipeline
