// Rows 12, 13 and 18-22: files that lie, end early, change, cannot be read or are no files.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "stages/codec.h"
#include "stages/codecs/byte_io.h"
#include "tests/faults/harness.h"

namespace tessera::tests {
namespace fs = std::filesystem;
using namespace stages;

namespace {

std::uint32_t crc_of(const std::string& bytes) {
  std::uint32_t crc = ~0u;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
  }
  return ~crc;
}

std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}

// A PNG whose header says another size than its data has.
std::string png_that_says(const std::string& png, std::uint32_t width, std::uint32_t height) {
  constexpr std::size_t kHeader = 12, kSize = 16, kHeaderBytes = 17;  // of IHDR: its type, width, type + data
  std::string bytes = png;
  bytes.replace(kSize, 8, big_endian(width) + big_endian(height));
  bytes.replace(kHeader + kHeaderBytes, 4, big_endian(crc_of(bytes.substr(kHeader, kHeaderBytes))));
  return bytes;
}

std::string sample_of(const Codec& codec, int width = 61, int height = 47) {
  TemporaryFolder folder;
  const std::string name(codec.name());
  write_picture(folder / "sample", some_picture(width, height, 5), name);
  return read_file(folder / "sample");
}

std::string first_extension(const Codec& codec) { return std::string(codec.extensions().front()); }

void append(const std::string& path) { std::ofstream(path, std::ios::app) << "more"; }

// Calls `change` whenever a worker has stopped in the middle of the input, at most `times`, and lets it go on.
std::function<void(Program&)> at_each_stop(int times, const std::function<void()>& change) {
  return [times, change](Program& program) mutable {
    const auto pid = stopped_worker(program);
    if (!pid) return;
    if (times-- > 0) change();
    kill(*pid, SIGCONT);
  };
}

}  // namespace

TEST_CASE("row 12: decompression bombs are refused from their header", "[faults]") {
  Batch batch;
  batch.add_fault("none@decode 100000x100000", "huge");
  batch.add("bomb.png", png_that_says(sample_of(*find_codec("png")), 50000, 50000));
  const Expected expected{.status = "failed", .reason = "too_large", .words = {"--max-pixels"}};
  for (const Way& way : isolated_ways_and_spread()) {
    check_batch(batch, way.flags, {"huge", "bomb"}, expected);
    if (!kSanitized)
      for (const auto& row : timings_of(batch.out()))
        if (row["status"] == "failed") CHECK(row["cpu_ms"].get<double>() < 10);
  }
}

TEST_CASE("row 13: a header that promises more than the file holds fails inside the limits", "[faults]") {
  Batch batch;
  batch.add_fault("lie@decode 20000x20000", "lie");
  batch.add("short.png", png_that_says(sample_of(*find_codec("png")), 6000, 4000));
  for (const Way& way : isolated_ways()) {
    // Not even begun where the header alone asks for too much; found out where there is room for what it says.
    for (const auto& [memory, reason] : {std::pair{"256M", "memory"}, std::pair{"8G", "image"}}) {
      const Observed seen = check_batch(batch, way.flags + Words{"--memory", memory}, {"lie", "short"},
                                        {.status = "failed", .reason = reason});
      CHECK(seen.coordinator.private_bytes < (kSanitized ? 400u : 64u) << 20);
    }
  }
}

TEST_CASE("row 18: inputs that end early fail, in every format", "[faults]") {
  Batch batch;
  std::vector<std::string> faulty;
  for (const Codec* codec : listed_codecs()) {
    const std::string whole = sample_of(*codec);
    for (const std::size_t bytes :
         {std::size_t{0}, std::size_t{1}, whole.size() / 50, whole.size() / 2, whole.size() - 1}) {
      faulty.push_back(fmt::format("cut-{}-{}.", codec->name(), bytes));
      batch.add(fmt::format("{}{}", faulty.back(), first_extension(*codec)), whole.substr(0, bytes));
    }
  }
  for (const Way& way : isolated_ways_and_spread())
    check_batch(batch, way.flags, faulty, {.status = "failed", .reason = "image"});
}

TEST_CASE("row 19: flipped bits give pixels or an image error in every format", "[faults]") {
  const unsigned seed = test_seed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  constexpr int kFlips = 10000;
  for (const Codec* codec : listed_codecs()) {
    const std::string whole = sample_of(*codec, 33, 25);
    int decoded = 0, refused = 0;
    for (int i = 0; i < kFlips; ++i) {
      std::string bytes = whole;
      for (auto n = 1 + random() % 3; n > 0; --n) {
        const std::size_t at = random() % bytes.size();
        bytes[at] = static_cast<char>(bytes[at] ^ 1 << random() % 8);
      }
      try {
        MemorySource source({reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()});
        const Header header = probe(source);
        if (std::int64_t{header.full.width} * header.full.height > 1'000'000) continue;  // as --max-pixels would
        const Codec& found = *codecs()[header.codec];
        OwnedImage image(found.decode_traits(header, {}).info);
        const auto decoder = found.decode(source, {});
        decoder->read(image.view());
        decoder->finish();
        ++decoded;
      } catch (const ImageError&) {
        ++refused;
      }
    }
    CAPTURE(std::string(codec->name()), decoded, refused);
    CHECK(decoded + refused > kFlips / 2);
    // Any sample of a PNM is as good as another: only its few header bytes can be wrong.
    CHECK(refused > (codec->name() == "pnm" ? 0 : kFlips / 20));
  }
}

TEST_CASE("row 19: a batch of files with flipped bits ends with a row for each", "[faults]") {
  const unsigned seed = test_seed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  Batch batch;
  batch.clean();
  for (const Codec* codec : listed_codecs()) {
    const std::string whole = sample_of(*codec);
    for (int i = 0; i < 60; ++i) {
      std::string bytes = whole;
      const std::size_t at = random() % bytes.size();
      bytes[at] = static_cast<char>(bytes[at] ^ 1 << random() % 8);
      batch.add(fmt::format("flipped{}-{}.{}", i, codec->name(), first_extension(*codec)), bytes);
    }
  }
  for (const Way& way : isolated_ways()) {
    fs::remove_all(batch.out());
    const Observed seen = run_watched(batch.words(way.flags));
    INFO(seen.result.err);
    CHECK(seen.result.code == 1);
    check_invariant(batch, seen, {"flipped"});
    for (const auto& row : rows_of(batch.out())) CHECK((row["status"] == "done" || row["status"] == "failed"));
  }
}

TEST_CASE("row 20: an input that changes once while it is read is read again", "[faults]") {
  for (const Way& way : isolated_ways()) {
    Batch batch;
    const std::string path = batch.add_fault("stop@decode");
    int changes = 0;
    const std::vector<std::function<void()>> kinds{
        [&] {
          append(path);
          ++changes;
        },
        [&] {
          fs::resize_file(path, 30000);
          ++changes;
        },
        [&] {
          fs::last_write_time(path, fs::file_time_type::clock::now() + std::chrono::seconds(7));
          ++changes;
        }};
    for (const auto& kind : kinds) {
      changes = 0;
      check_batch(batch, way.flags, {"fault"}, {.code = 0}, at_each_stop(1, kind));
      CHECK(changes == 1);
      for (const auto& row : timings_of(batch.out()))
        if (row["source"] == path) CHECK(row["jobs"] == 2);
    }
  }
}

TEST_CASE("row 20: an input that another file replaces while it is read is done as it was", "[faults]") {
  for (const Way& way : isolated_ways()) {
    Batch batch;
    const std::string path = batch.add_fault("stop@decode 64x48");
    bool replaced = false;
    check_batch(batch, way.flags, {"fault"}, {.code = 0}, at_each_stop(1, [&] {
                  write_file(batch / "other", "FAULT none@decode 300x20\n");
                  fs::rename(batch / "other", path);
                  replaced = true;
                }));
    CHECK(replaced);
    const auto row = row_of(batch.out(), "fault");
    CHECK(row["original_width"] == 64);
    CHECK(row["width"] == 40);
    CHECK(row["height"] == 30);
  }
}

TEST_CASE("row 20: an input that changes each time it is read fails as changed", "[faults]") {
  for (const Way& way : isolated_ways()) {
    Batch batch;
    const std::string path = batch.add_fault("stop@decode");
    check_batch(batch, way.flags, {"fault"},
                {.status = "failed", .reason = "changed", .words = {"changed while it was read"}},
                at_each_stop(100, [&] { append(path); }));
  }
}

TEST_CASE("row 21: an input that the disk cannot give fails with the system's word", "[faults]") {
  for (const Way& way : isolated_ways()) {
    Batch batch;
    batch.clean();
    struct stat s {};
    REQUIRE(stat(batch.add_fault("none@decode").c_str(), &s) == 0);
    const IoFault fault(fmt::format("pread:1+:EIO:inode={}", s.st_ino));
    check_batch(batch, way.flags, {"fault"}, {.status = "failed", .reason = "io_error", .words = {"Input/output"}});
  }
}

TEST_CASE("row 21: inputs that are gone or may not be read fail with reasons of their own", "[faults]") {
  Batch batch;
  batch.clean();
  batch.add_fault("none@decode", "secret");
  std::string list;
  for (const auto& entry : fs::directory_iterator(batch.in())) list += entry.path().string() + "\n";
  list += batch.in() + "/gone.png\n";
  write_file(batch / "list", list);
  const IoFault fault("openat:1+:13:secret");  // EACCES, which root would not meet otherwise
  for (const Way& way : isolated_ways()) {
    fs::remove_all(batch.out());
    const Observed seen =
        run_watched(Words{"run", "--files-from", batch / "list", "-o", batch.out(), "--template", "{name}.{ext}"} +
                    batch.job + way.flags);
    INFO(seen.result.err);
    CHECK(seen.result.code == 1);
    const auto gone = row_of(batch.out(), "gone"), secret = row_of(batch.out(), "secret");
    CHECK(gone["status"] == "failed");
    CHECK_THAT(gone["error_message"].get<std::string>(), Catch::Matchers::Contains("no such file"));
    CHECK(secret["status"] == "failed");
    CHECK_THAT(secret["error_message"].get<std::string>(), Catch::Matchers::Contains("Permission denied"));
    if (gone.contains("reason")) {
      CHECK(gone["reason"] == "missing");
      CHECK(secret["reason"] == "unreadable");
    }
    CHECK(rows_of(batch.out()).size() == kOrdinary + 2);
    CHECK((tree(batch.out()) == batch.clean()));
  }
}

TEST_CASE("row 22: pipes, devices, sockets, folders and files of /proc are refused without waiting for them",
          "[faults]") {
  Batch batch;
  batch.clean();
  const std::string fifo = batch / "pipe.png", socket_path = batch / "socket.png";
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket_path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  const std::string folder = batch / "folder.png";
  fs::create_directories(folder);
  const std::vector<std::string> special{fifo,        socket_path,       folder,          "/dev/zero",
                                         "/dev/full", "/proc/self/maps", "/proc/self/mem"};
  std::string list;
  for (const auto& entry : fs::directory_iterator(batch.in())) list += entry.path().string() + "\n";
  for (const std::string& path : special) list += path + "\n";
  write_file(batch / "list", list);
  for (const Way& way : isolated_ways()) {
    fs::remove_all(batch.out());
    const Observed seen = run_watched(
        Words{"run", "--files-from", batch / "list", "-o", batch.out(), "-f", "png", "--template", "{name}.{ext}"} +
            batch.job + way.flags,
        20);
    INFO(seen.result.err);
    CHECK(seen.result.code == 1);
    CHECK(rows_of(batch.out()).size() == kOrdinary + special.size());
    for (const std::string& path : special) {
      const auto row = row_of(batch.out(), path);
      INFO(row.dump());
      CHECK(row["status"] == "failed");
      CHECK(row["reason"] ==
            (path.starts_with("/proc/") ? "image" : "special"));  // /proc has regular files, of 0 bytes
    }
    CHECK(tree(batch.out()).size() == kOrdinary);
    CHECK(leftovers(batch.out()).empty());
  }
  close(listener);
}

}  // namespace tessera::tests
