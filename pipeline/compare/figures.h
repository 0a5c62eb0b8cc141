// Figures of a comparison as people read them: one way for the terminal, Markdown and HTML, so that the same figure is
// the same text everywhere. Three significant digits; units ASCII (us, not a mu), for any terminal.
#pragma once

#include <string>
#include <string_view>

#include "pipeline/compare/document.h"

namespace tessera::pipeline {

/// "0.00123", "1.23", "12.3", "123", "1230": never an exponent, whole digits are kept.
std::string digits(double value);

/// "12.3 ns", "28.4 us", "1.74 ms", "3.32 s"; "0 s".
std::string seconds_text(double seconds);
/// "1.74 s [1.73, 1.75]": a summary's median and interval, all in the median's unit.
std::string seconds_interval(const Json& summary);

/// "1.02", "1.02 [0.998, 1.04]"
std::string ratio_text(double ratio);
std::string ratio_interval(const Json& ratio);

/// A part of 1: "1.4 %", "53 %", "0.02 %".
std::string percent_text(double part);

/// "1,234,567"; medians may be fractions: "12.5" below a thousand.
std::string count_text(double count);
/// "no image", "1 image", "43 images"
std::string counted(std::size_t count, std::string_view noun);

/// As format_bytes of size_text.h, of what JSON may hold as a fraction; "-" for what is below 0.
std::string bytes_text(double bytes);
/// Powers of 1024 by their name where they are whole: "4 KiB", "96 MiB"; else as bytes_text. For sizes that were
/// chosen.
std::string binary_size_text(double bytes);

/// "24.7"; with a unit "24.7 images/s".
std::string rate_text(double per_second, std::string_view unit);

/// "a", "a and b", "a, b and c"
std::string list_text(const std::vector<std::string>& items);

}  // namespace tessera::pipeline
