#include "tests/faults/harness.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace tessera::tests {
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t kFaultBytes = 40000;  // more than any ordinary picture: largest files go first
constexpr useconds_t kLookEvery = 3000;
// Finished pictures wait for their names in groups of 32, each with two descriptors.
constexpr std::size_t kMostDescriptors = 100;
constexpr std::size_t kSpareDescriptors = 32;   // groups are never quite alike
constexpr std::uint64_t kSpareBytes = 2 << 20;  // nor are heaps

double seconds_since(Clock::time_point begun) { return std::chrono::duration<double>(Clock::now() - begun).count(); }

std::size_t descriptors_of(int pid) {
  std::error_code ignored;
  const fs::directory_iterator open(fmt::format("/proc/{}/fd", pid), ignored);
  return static_cast<std::size_t>(std::distance(begin(open), end(open)));
}

std::uint64_t private_bytes_of(int pid) {
  std::istringstream status(read_file(fmt::format("/proc/{}/status", pid)));
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("RssAnon:")) return std::stoull(line.substr(8)) << 10;
  return 0;
}

// Orphans of a run become this process's children.
std::vector<int> own_children() {
  std::vector<int> pids;
  for (const auto& task : fs::directory_iterator("/proc/self/task")) {
    std::ifstream file(task.path() / "children");
    for (int pid = 0; file >> pid;) pids.push_back(pid);
  }
  return pids;
}

std::vector<nlohmann::json> lines_of(const std::string& path) {
  std::vector<nlohmann::json> rows;
  std::istringstream lines(read_file(path));
  for (std::string line; std::getline(lines, line);) rows.push_back(nlohmann::json::parse(line));
  return rows;
}

nlohmann::json only_row(const std::vector<nlohmann::json>& rows, const std::string& source_part) {
  std::vector<nlohmann::json> found;
  for (const auto& row : rows)
    if (row["source"].get<std::string>().find(source_part) != std::string::npos) found.push_back(row);
  INFO(source_part);
  REQUIRE(found.size() == 1);
  return found[0];
}

bool is_one_of(const std::string& source, const std::vector<std::string>& parts) {
  return std::ranges::any_of(parts, [&](const std::string& part) { return source.find(part) != std::string::npos; });
}

}  // namespace

Words operator+(Words a, const Words& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

const Way& processes() {
  static const Way way{"processes", {"-j2"}};
  return way;
}
std::vector<Way> isolated_ways() { return {processes(), {"hybrid", {"-j2", "--threads", "2"}}}; }
std::vector<Way> isolated_ways_and_spread() {
  std::vector<Way> ways = isolated_ways();
  ways.push_back({"spread", {"-j2", "--tiling", "spread"}});
  return ways;
}

OwnedImage some_picture(int width, int height, unsigned seed) {
  std::mt19937 random(seed);
  return OwnedImage(random_image(random, width, height, {stages::Model::bgr, stages::Depth::u8, false}));
}

Batch::Batch() {
  fs::create_directories(in());
  for (unsigned i = 0; i < kOrdinary; ++i) {
    const OwnedImage image = some_picture(50 + static_cast<int>(i) * 3, 90 - static_cast<int>(i) * 2, i);
    write_picture(fmt::format("{}/p{:02}.{}", in(), i, i % 2 ? "png" : "jpg"), image, i % 2 ? "png" : "jpeg");
  }
}

std::string Batch::add(const std::string& name, const std::string& bytes) {
  write_file(in() + "/" + name, bytes);
  return in() + "/" + name;
}

std::string Batch::add_fault(const std::string& order, const std::string& name) {
  std::string text = "FAULT " + order + "\n";
  text.resize(kFaultBytes, ' ');
  return add(name + ".png", text);
}

std::size_t Batch::inputs() const {
  const fs::directory_iterator files(in());
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

Words Batch::words(const Words& flags) const { return Words{"run", in(), "-o", out(), "--json"} + job + flags; }

const std::map<std::string, std::string>& Batch::clean() {
  if (!clean_.empty()) return clean_;
  fs::create_directories(folder_ / "ordinary");
  for (const auto& entry : fs::directory_iterator(in()))
    if (entry.path().filename().string().starts_with("p"))
      fs::copy(entry.path(), (folder_ / "ordinary/") + entry.path().filename().string());
  Words ordinary;  // without a stage that misbehaves
  for (std::size_t i = 0; i < job.size(); ++i)
    if (i + 1 < job.size() && job[i] == "-s" && job[i + 1].starts_with("fault "))
      ++i;
    else
      ordinary.push_back(job[i]);
  const ProgramResult result =
      run_program(Words{"run", folder_ / "ordinary", "-o", folder_ / "clean", "-q", "--mode", "serial"} + ordinary);
  INFO(result.err);
  REQUIRE(result.code == 0);
  clean_ = tree(folder_ / "clean");
  REQUIRE(clean_.size() >= kOrdinary);
  return clean_;
}

Observed run_watched(const Words& words, double limit_s, const std::function<void(Program&)>& meanwhile) {
  REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  Observed seen;
  struct Sample {
    double at;
    Observed::Most seen;
  };
  std::vector<Sample> samples;
  const auto begun = Clock::now();
  {
    Program program(words);
    const double limit = kSanitized ? limit_s * 4 : limit_s;
    while (program.running()) {
      samples.push_back({seconds_since(begun), {descriptors_of(program.pid()), private_bytes_of(program.pid())}});
      for (const int pid : program.workers()) {
        seen.workers.insert(pid);
        seen.most_worker_private_bytes = std::max(seen.most_worker_private_bytes, private_bytes_of(pid));
      }
      if (meanwhile) meanwhile(program);
      INFO(fmt::format("{}", fmt::join(words, " ")));
      REQUIRE(samples.back().at < limit);
      usleep(kLookEvery);
    }
    seen.seconds = seconds_since(begun);
    seen.result = program.finish();
  }
  const auto take = [](Observed::Most& most, const Observed::Most& sample) {
    most.descriptors = std::max(most.descriptors, sample.descriptors);
    most.private_bytes = std::max(most.private_bytes, sample.private_bytes);
  };
  for (const auto& [at, sample] : samples) {
    take(seen.coordinator, sample);
    const double part = at / seen.seconds;
    if (part > 0.1 && part < 0.5) take(seen.first_half, sample);
    if (part >= 0.5 && part < 0.9) take(seen.second_half, sample);
  }
  // Workers of a coordinator that was killed have a second to be gone.
  std::vector<int> left = own_children();
  for (int tries = 0; tries < 100 && !left.empty(); ++tries) {
    while (waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    usleep(10000);
    left = own_children();
  }
  INFO(fmt::format("left behind by {}: {}", fmt::join(words, " "), fmt::join(left, " ")));
  CHECK(left.empty());
  for (const int pid : left) kill(pid, SIGKILL);
  return seen;
}

std::vector<nlohmann::json> rows_of(const std::string& out) { return lines_of(out + "/.tessera/manifest.jsonl"); }
std::vector<nlohmann::json> timings_of(const std::string& out) { return lines_of(out + "/.tessera/timings.jsonl"); }

nlohmann::json row_of(const std::string& out, const std::string& source_part) {
  return only_row(rows_of(out), source_part);
}
nlohmann::json timing_of(const std::string& out, const std::string& source_part) {
  return only_row(timings_of(out), source_part);
}

void check_invariant(Batch& batch, const Observed& seen, const std::vector<std::string>& faulty) {
  const auto rows = rows_of(batch.out());
  std::map<std::string, int> per_input;
  std::map<std::string, std::size_t> per_status;
  for (const auto& row : rows) {
    ++per_input[row["source"]];
    ++per_status[row["status"]];
  }
  CHECK(per_input.size() == batch.inputs());
  CHECK(rows.size() == batch.inputs());
  const auto summary = nlohmann::json::parse(seen.result.out);
  for (const char* status : {"done", "skipped", "failed", "quarantined"})
    CHECK(summary[status].get<std::size_t>() == per_status[status]);
  const auto made = tree(batch.out());
  for (const auto& [name, bytes] : batch.clean()) {
    if (is_one_of(name, faulty)) continue;
    INFO(name);
    REQUIRE(made.contains(name));
    CHECK((made.at(name) == bytes));
  }
  // Nothing that no row speaks of.
  CHECK(made.size() == per_status["done"]);
  CHECK(leftovers(batch.out()).empty());
  CHECK(seen.coordinator.descriptors < kMostDescriptors);
}

void check_flat(const Observed& seen) {
  INFO(fmt::format("{} and {} descriptors, {} and {} bytes", seen.first_half.descriptors, seen.second_half.descriptors,
                   seen.first_half.private_bytes, seen.second_half.private_bytes));
  REQUIRE(seen.first_half.descriptors > 0);
  CHECK(seen.second_half.descriptors <= seen.first_half.descriptors + kSpareDescriptors);
  if (!kSanitized) CHECK(seen.second_half.private_bytes < seen.first_half.private_bytes + kSpareBytes);
}

Observed check_batch(Batch& batch, const Words& flags, const std::vector<std::string>& faulty, const Expected& expected,
                     const std::function<void(Program&)>& meanwhile) {
  fs::remove_all(batch.out());
  batch.clean();
  const Words words = batch.words(flags);
  INFO(fmt::format("{}", fmt::join(words, " ")));
  Observed seen = run_watched(words, expected.limit_s, meanwhile);
  INFO(seen.result.err);
  REQUIRE(seen.result.code == expected.code);
  check_invariant(batch, seen, faulty);
  for (const std::string& part : faulty) {
    const auto row = row_of(batch.out(), part);
    INFO(row.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    CHECK(row["status"] == (expected.code == 0 ? "done" : expected.status));
    if (row.contains("reason") && !expected.reason.empty()) CHECK(row["reason"] == expected.reason);
    for (const std::string& word : expected.words)
      CHECK_THAT(row["error_message"].get<std::string>(), Catch::Matchers::Contains(word));
  }
  for (const auto& row : rows_of(batch.out()))
    if (!is_one_of(row["source"], faulty)) CHECK(row["status"] == "done");
  return seen;
}

void check_resumed(Batch& batch, const Words& flags) {
  const Observed seen = run_watched(batch.words(flags + Words{"--resume", "--retry-failed"}));
  INFO("resumed: " << seen.result.err);
  CHECK(seen.result.code == 0);
  const auto made = tree(batch.out());
  CHECK(made.size() == batch.inputs());
  for (const auto& [name, bytes] : batch.clean()) {
    INFO(name);
    REQUIRE(made.contains(name));
    CHECK((made.at(name) == bytes));
  }
  CHECK(rows_of(batch.out()).size() == batch.inputs());
  CHECK(leftovers(batch.out()).empty());
}

Environment::Environment(std::string name, const std::string& value) : name_(std::move(name)) {
  setenv(name_.c_str(), value.c_str(), 1);
}
Environment::~Environment() { unsetenv(name_.c_str()); }

// The sanitizers' runtime wants to be the first library; with this it puts up with the interposer.
IoFault::IoFault(const std::string& plan)
    : preload_("LD_PRELOAD", TESSERA_INTERPOSER),
      plan_("TESSERA_IO_FAULT", plan),
      asan_("ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0") {}

FaultAt::FaultAt(const std::string& at)
    : at_("TESSERA_FAULT_AT", at), count_("TESSERA_FAULT_COUNT", folder_ / "count") {
  write_file(folder_ / "count", std::string(sizeof(std::uint64_t), '\0'));
}
std::uint64_t FaultAt::passed() const {
  const std::string bytes = read_file(folder_ / "count");
  std::uint64_t count = 0;
  REQUIRE(bytes.size() == sizeof count);
  std::memcpy(&count, bytes.data(), sizeof count);
  return count;
}

std::uint64_t number_from(const char* variable, std::uint64_t usual) {
  const char* text = std::getenv(variable);
  return text ? std::strtoull(text, nullptr, 10) : usual;
}

bool is_stopped(int pid) {
  const std::string stat = read_file(fmt::format("/proc/{}/stat", pid));
  const auto state = stat.rfind(") ");
  return state != std::string::npos && stat[state + 2] == 'T';
}

std::optional<int> stopped_worker(const Program& program) {
  for (const int pid : program.workers())
    if (is_stopped(pid)) return pid;
  return std::nullopt;
}

bool mount_small(const std::string& folder, const std::string& options) {
  fs::create_directories(folder);
  const bool mounted = unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                       mount("tmpfs", folder.c_str(), "tmpfs", 0, options.c_str()) == 0;
  if (!mounted) fmt::print("a mount of one's own is not allowed here ({}): passing without it\n", std::strerror(errno));
  return mounted;
}

}  // namespace tessera::tests
