#include "tests/pipeline/program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "stages/codec.h"
#include "stages/codecs/byte_io.h"

namespace tessera::tests {
namespace fs = std::filesystem;
using namespace stages;

TemporaryFolder::TemporaryFolder() {
  std::string name = (fs::temp_directory_path() / "tessera-test-XXXXXX").string();
  REQUIRE(mkdtemp(name.data()));
  path_ = name;
}
TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

Program::Program(const std::vector<std::string>& arguments) {
  std::vector<std::string> words{TESSERA_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::string out = folder_ / "out", err = folder_ / "err";
  pid_ = fork();
  if (pid_ == 0) {
    dup2(open("/dev/null", O_RDONLY), 0);
    dup2(open(out.c_str(), O_WRONLY | O_CREAT, 0666), 1);
    dup2(open(err.c_str(), O_WRONLY | O_CREAT, 0666), 2);
    close_range(3, ~0u, 0);
    execv(argv[0], argv.data());
    _exit(127);
  }
  REQUIRE(pid_ > 0);
}

Program::~Program() {
  if (ended_) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, &status_, 0);
}

std::vector<int> Program::workers() const {
  std::ifstream file(fmt::format("/proc/{0}/task/{0}/children", pid_));
  std::vector<int> pids;
  for (int pid = 0; file >> pid;) pids.push_back(pid);
  return pids;
}

bool Program::running() {
  if (!ended_) ended_ = waitpid(pid_, &status_, WNOHANG) == pid_;
  return !ended_;
}

ProgramResult Program::finish() {
  if (!ended_) waitpid(pid_, &status_, 0);
  ended_ = true;
  ProgramResult result;
  result.code = WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
  result.out = read_file(folder_ / "out");
  result.err = read_file(folder_ / "err");
  return result;
}

ProgramResult run_program(const std::vector<std::string>& arguments) { return Program(arguments).finish(); }

std::map<std::string, std::string> tree(const std::string& folder) {
  std::map<std::string, std::string> files;
  if (!fs::exists(folder)) return files;  // not made yet
  for (auto it = fs::recursive_directory_iterator(folder); it != fs::recursive_directory_iterator(); ++it) {
    if (it->path().filename() == ".tessera") {
      it.disable_recursion_pending();
      continue;
    }
    if (it->is_regular_file()) files[fs::relative(it->path(), folder).string()] = read_file(it->path().string());
  }
  return files;
}

std::vector<std::string> leftovers(const std::string& output_folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(output_folder + "/.tessera/tmp", ignored))
    names.push_back(entry.path().filename().string());
  return names;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  file.close();
  REQUIRE(file);
}

void write_picture(const std::string& path, const OwnedImage& image, const std::string& name,
                   const std::vector<Values::Pair>& settings) {
  const Codec& codec = *find_codec(name);
  MemorySink sink;
  const auto encoder = codec.encode(sink, image.info(), {}, Values::parse(name, codec.encode_parameters(), settings));
  encoder->write(image.view());
  encoder->finish();
  write_file(path, std::string(reinterpret_cast<const char*>(sink.bytes().data()), sink.bytes().size()));
}

OwnedImage read_picture(const std::string& path) {
  const std::string bytes = read_file(path);
  MemorySource source({reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()});
  const Header header = probe(source);
  const Codec& codec = *codecs()[header.codec];
  OwnedImage image(codec.decode_traits(header, {}).info);
  const auto decoder = codec.decode(source, {});
  decoder->read(image.view());
  decoder->finish();
  return image;
}

OwnedImage picture(int width, int height, unsigned seed) {
  std::mt19937 random(seed);
  return OwnedImage(random_image(random, width, height, {Model::bgr, Depth::u8, false}));
}

void write_photos(const std::string& folder, int count, int width, int height) {
  fs::create_directories(folder);
  for (int i = 0; i < count; ++i)
    write_picture(fmt::format("{}/p{:02}.jpg", folder, i), picture(width, height, static_cast<unsigned>(i)), "jpeg");
}

std::vector<nlohmann::json> manifest(const std::string& output_folder) {
  std::vector<nlohmann::json> rows;
  std::istringstream lines(read_file(output_folder + "/.tessera/manifest.jsonl"));
  for (std::string line; std::getline(lines, line);) rows.push_back(nlohmann::json::parse(line));
  return rows;
}

bool alive(int pid) {
  const std::string stat = read_file(fmt::format("/proc/{}/stat", pid));
  const auto state = stat.rfind(") ");
  return state != std::string::npos && stat[state + 2] != 'Z';
}

std::string sample_photos() { return TESSERA_SOURCE "/samples/photos"; }

std::string shared_data() {
  const std::string path = TESSERA_SOURCE "/../shared/data";
  if (fs::is_directory(path)) return path;
  fmt::print("no shared pictures at ../shared/data: passing without them\n");
  return "";
}

}  // namespace tessera::tests
