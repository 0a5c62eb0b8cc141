#include "pipeline/compare/figures.h"

#include <catch2/catch.hpp>

namespace tessera::pipeline {
namespace {

TEST_CASE("figures have three significant digits, never an exponent") {
  const std::vector<std::pair<double, std::string>> rows{
      {0, "0"},          {1, "1.00"},    {1.2345, "1.23"},   {9.994, "9.99"},      {9.996, "10.0"},
      {12.34, "12.3"},   {99.96, "100"}, {123.4, "123"},     {999.6, "1000"},      {1234.5, "1234"},
      {1e7, "10000000"}, {0.1, "0.100"}, {0.09996, "0.100"}, {0.00123, "0.00123"}, {-1.239, "-1.24"}};
  for (const auto& [value, text] : rows) CHECK(digits(value) == text);
}

TEST_CASE("times choose the unit in which they have few digits") {
  const std::vector<std::pair<double, std::string>> rows{
      {0, "0 s"},           {12.3e-9, "12.3 ns"},  {0.4e-9, "0.400 ns"}, {28.44e-6, "28.4 us"},
      {999.4e-6, "999 us"}, {999.6e-6, "1.00 ms"}, {0.0123, "12.3 ms"},  {0.9996, "1.00 s"},
      {1.744, "1.74 s"},    {125, "125 s"},        {-0.002, "-2.00 ms"}};
  for (const auto& [seconds, text] : rows) CHECK(seconds_text(seconds) == text);
  CHECK(seconds_interval({{"median", 0.9}, {"low", 0.89}, {"high", 1.1}}) == "900 ms [890, 1100]");
}

TEST_CASE("ratios, parts, counts and sizes are written for people") {
  CHECK(ratio_interval({{"ratio", 1.0234}, {"low", 0.998}, {"high", 1.05}}) == "1.02 [0.998, 1.05]");
  CHECK(percent_text(0.0143) == "1.4 %");
  CHECK(percent_text(0.531) == "53 %");
  CHECK(percent_text(0.0996) == "10 %");
  CHECK(percent_text(0.0002) == "0.02 %");
  CHECK(percent_text(0) == "0 %");
  CHECK(count_text(7) == "7");
  CHECK(count_text(12.5) == "12.5");
  CHECK(count_text(999) == "999");
  CHECK(count_text(1000) == "1,000");
  CHECK(count_text(1234567) == "1,234,567");
  CHECK(count_text(-123456) == "-123,456");
  CHECK(counted(0, "image") == "no image");
  CHECK(counted(1, "image") == "1 image");
  CHECK(counted(4300, "image") == "4,300 images");
  CHECK(bytes_text(8.1e6) == "8.1 MB");
  CHECK(binary_size_text(4096) == "4 KiB");
  CHECK(binary_size_text(96 << 20) == "96 MiB");
  CHECK(binary_size_text(5000) == "5.0 KB");
  CHECK(rate_text(24.71, "images/s") == "24.7 images/s");
  CHECK(list_text({"a"}) == "a");
  CHECK(list_text({"a", "b", "c"}) == "a, b and c");
}

}  // namespace
}  // namespace tessera::pipeline
