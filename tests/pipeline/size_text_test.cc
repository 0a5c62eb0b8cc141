#include "pipeline/size_text.h"

#include <catch2/catch.hpp>
#include <random>

#include "tests/pipeline/usage_message.h"

namespace tessera::pipeline {
namespace {

using std::chrono::milliseconds;

TEST_CASE("sizes are read as people write them") {
  struct Row {
    std::string text;
    std::uint64_t bytes;
  };
  const std::vector<Row> rows{{"0", 0},
                              {"1048576", 1048576},
                              {"17b", 17},
                              {"4G", 4ULL << 30},
                              {"4g", 4ULL << 30},
                              {"512M", 512ULL << 20},
                              {"512 MiB", 512ULL << 20},
                              {"1.5GiB", 3ULL << 29},
                              {"8MB", 8'000'000},
                              {"2kB", 2000},
                              {"1T", 1ULL << 40},
                              {"0.5k", 512},
                              {"50%", 500},
                              {"100%", 1001},
                              {"12.5%", 125},
                              {"5 EB", 5'000'000'000'000'000'000ULL},
                              {"18446744073709551615", 18446744073709551615ULL},
                              {"9007199254740993", 9007199254740993ULL}};
  for (const Row& row : rows) {
    INFO(row.text);
    CHECK(parse_size(row.text, "--memory", 1001) == row.bytes);
  }
}

TEST_CASE("sizes that mean nothing are refused with the place") {
  for (const std::string text :
       {"", "G", "4X", "4GG", "-1", "1e3", "nan", "inf", "4 G x", "50%%", "4  G", "1.5.2", "0x10"}) {
    INFO(text);
    CHECK_THAT(usage_message([&] { parse_size(text, "--memory", 1000); }),
               Catch::StartsWith("--memory: '" + text + "' is not a size"));
  }
  CHECK_THAT(usage_message([] { parse_size("50%", "--memory"); }), Catch::Contains("is not a size"));
  CHECK_THAT(usage_message([] { parse_size("101%", "--memory", 1000); }), Catch::Contains("more than everything"));
  CHECK_THAT(usage_message([] { parse_size("18446744073709551616", "m"); }), Catch::Contains("too large"));
  CHECK_THAT(usage_message([] { parse_size("99999999P", "m"); }), Catch::Contains("too large"));
}

TEST_CASE("counts have powers of 1000") {
  CHECK(parse_count("100M", "x") == 100'000'000);
  CHECK(parse_count("2.5k", "x") == 2500);
  CHECK(parse_count("7", "x") == 7);
  for (const std::string text : {"", "M", "2.5", "10%", "-3", "10MB"}) {
    INFO(text);
    CHECK_THAT(usage_message([&] { parse_count(text, "--max-pixels"); }), Catch::StartsWith("--max-pixels: "));
  }
}

TEST_CASE("times are read as people write them") {
  CHECK(parse_duration("30s", "x") == milliseconds(30'000));
  CHECK(parse_duration("30", "x") == milliseconds(30'000));
  CHECK(parse_duration("0.25", "x") == milliseconds(250));
  CHECK(parse_duration("500ms", "x") == milliseconds(500));
  CHECK(parse_duration("1m30s", "x") == milliseconds(90'000));
  CHECK(parse_duration("2h", "x") == milliseconds(7'200'000));
  CHECK(parse_duration("1d", "x") == milliseconds(86'400'000));
  for (const std::string text : {"", "s", "5x", "1m30", "-3s", "3 s s", "1e9999", "inf"}) {
    INFO(text);
    CHECK_THAT(usage_message([&] { parse_duration(text, "--timeout"); }), Catch::StartsWith("--timeout: '" + text));
  }
  CHECK_THAT(usage_message([] { parse_duration("99999999999999d", "x"); }), Catch::Contains("too long"));
}

TEST_CASE("bytes are printed for people") {
  struct Row {
    std::uint64_t bytes;
    std::string text;
  };
  const std::vector<Row> rows{
      {0, "0 B"},          {999, "999 B"},      {1000, "1.0 KB"},    {9'949, "9.9 KB"},     {9'950, "10 KB"},
      {412'000, "412 KB"}, {999'499, "999 KB"}, {999'500, "1.0 MB"}, {8'100'000, "8.1 MB"}, {4'000'000'000, "4.0 GB"},
      {~0ULL, "18 EB"}};
  for (const Row& row : rows) CHECK(format_bytes(row.bytes) == row.text);
}

TEST_CASE("any number of bytes is read back exactly") {
  const auto seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 1000; ++round) {
    const std::uint64_t bytes = random() >> (random() % 64);
    REQUIRE(parse_size(std::to_string(bytes), "x") == bytes);
  }
}

}  // namespace
}  // namespace tessera::pipeline
