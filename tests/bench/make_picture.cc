// A large picture for benchmarks: gradients, edges and noise, in the format of the file's name, within the memory of a
// few rows. PNG is compressed lightly unless a setting says otherwise.
//   tessera_make_picture FILE WIDTH HEIGHT [SETTING=VALUE...]
//   tessera_make_picture gigapixel.tif 30000 33334 tile=256
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "pipeline/job_files.h"
#include "workers/fd.h"

int main(int argc, char** argv) {
  using namespace tessera;
  using namespace tessera::stages;
  const std::string_view name = argc > 1 ? argv[1] : "";
  const Codec* const codec = codec_for_extension(name.substr(std::min(name.size(), name.rfind('.') + 1)));
  if (argc < 4 || !codec) {
    fmt::print(stderr, "usage: tessera_make_picture FILE.(jpg|png|tif|ppm) WIDTH HEIGHT [SETTING=VALUE...]\n");
    return 2;
  }
  std::vector<Values::Pair> settings;
  for (const std::string_view word : std::vector<std::string_view>(argv + 4, argv + argc)) {
    const std::size_t equals = std::min(word.size(), word.find('='));
    settings.emplace_back(word.substr(0, equals), word.substr(std::min(word.size(), equals + 1)));
  }
  if (settings.empty() && codec->name() == "png") settings.emplace_back("compression", "1");
  const ImageInfo info{std::atoi(argv[2]), std::atoi(argv[3]), {Model::bgr, Depth::u8, false}, {}, 0};
  const workers::Fd fd = workers::checked_fd(open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), argv[1]);
  pipeline::FdSink sink(fd.get());
  const auto encoder =
      codec->encode(sink, info, {}, Values::parse(codec->name(), codec->encode_parameters(), settings));
  Scratch scratch;
  std::uint32_t noise = 12345;
  for (std::int32_t y = 0; y < info.height; y += 64) {
    const Scratch::Mark mark(scratch);
    const MutableView band = scratch.take_view(info, {0, y, info.width, std::min(y + 64, info.height)});
    for (std::int32_t row = 0; row < band.plane().height; ++row)
      for (std::int32_t x = 0; x < info.width; ++x)
        for (int c = 0; c < 3; ++c) {
          noise = noise * 1664525u + 1013904223u;
          const std::int32_t shape = (x / 7 + (y + row) / 5 * (c + 1)) % 200 + ((x / 300 + (y + row) / 200) % 2) * 30;
          band.plane().row<std::uint8_t>(row)[x * 3 + c] =
              static_cast<std::uint8_t>(shape + static_cast<std::int32_t>(noise >> 28));
        }
    encoder->write(band);
  }
  encoder->finish();
  sink.finish();
  return 0;
}
