// A large picture for benchmarks: gradients, edges and noise, as lightly compressed PNG.
//   tessera_make_picture FILE.png WIDTH HEIGHT
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "pipeline/job_files.h"
#include "workers/fd.h"

int main(int argc, char** argv) {
  using namespace tessera;
  using namespace tessera::stages;
  if (argc != 4) {
    fmt::print(stderr, "usage: tessera_make_picture FILE.png WIDTH HEIGHT\n");
    return 2;
  }
  const ImageInfo info{std::atoi(argv[2]), std::atoi(argv[3]), {Model::bgr, Depth::u8, false}, {}, 0};
  const workers::Fd fd = workers::checked_fd(open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), argv[1]);
  pipeline::FdSink sink(fd.get());
  const Codec& png = *find_codec("png");
  const std::vector<Values::Pair> fast{{"compression", "1"}};
  const auto encoder = png.encode(sink, info, {}, Values::parse("png", png.encode_parameters(), fast));
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
