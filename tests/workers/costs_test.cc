// That costs are measured of what they claim to be of: everything is there, what is handed over arrives, relations that
// any machine must show are shown, and nothing is left behind. No figure by itself is judged.
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>

#include "tests/workers/support.h"
#include "workers/costs/costs.h"
#include "workers/costs/cpus.h"
#include "workers/costs/handover_ways.h"
#include "workers/costs/helper.h"
#include "workers/costs/pages.h"
#include "workers/costs/sampling.h"

// Relations between times are looked at (CHECK_NOFAIL) and not insisted on: a loaded machine turns any of them round.
namespace tessera::workers::costs {
namespace {

using testing::NothingLeft;

// Sanitizers keep several bytes for each one, and copy them in every fork.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kLargeParent = 128 << 20, kLargeFrame = 4'000'000;
#else
constexpr std::uint64_t kLargeParent = 256 << 20, kLargeFrame = 16'000'000;
#endif
constexpr Effort kShort{0.02, 5, 20};

using Medians = std::map<std::string, double>;

/// By id. Fails the test for a figure that is none.
Medians medians(const std::vector<Series>& all) {
  Medians found;
  for (const Series& series : all) {
    INFO(series.id);
    CHECK_FALSE(series.name.empty());
    REQUIRE(series.seconds.size() >= kShort.fewest);
    CHECK(series.seconds.size() <= kShort.most);
    for (const double value : series.seconds) CHECK((std::isfinite(value) && value > 0));
    std::vector<double> sorted = series.seconds;
    std::ranges::sort(sorted);
    CHECK(found.emplace(series.id, sorted[sorted.size() / 2]).second);
  }
  return found;
}

std::set<std::string> ids(const Medians& found) {
  std::set<std::string> all;
  for (const auto& [id, median] : found) all.insert(id);
  return all;
}

/// Mappings of memory files of this folder's code that this process still has.
std::size_t memory_files() {
  std::ifstream maps("/proc/self/maps");
  std::size_t count = 0;
  for (std::string line; std::getline(maps, line);) count += line.find("tessera-costs") != std::string::npos;
  return count;
}

TEST_CASE("everything that a process can start is measured, and a large parent forks more slowly", "[costs]") {
#ifdef __SANITIZE_THREAD__
  return;  // oneTBB is not instrumented: what it hands over looks like a race, and ends the measuring process
#endif
  const NothingLeft check;
  const Measured small = create_costs(16 << 20, kShort);
  Medians rows = medians(small.rows);
  CHECK(ids(rows) == std::set<std::string>{"thread", "fork", "spawn", "task", "fork-shared"});
  CHECK(small.points.empty());
  CHECK(small.left_out.empty());
  CHECK_NOFAIL(rows["thread"] < rows["spawn"]);

  const Measured from_small = create_costs_of_parent(0, kShort),
                 from_large = create_costs_of_parent(kLargeParent, kShort);
  Medians near = medians(from_small.points), far = medians(from_large.points);
  CHECK(ids(near) == std::set<std::string>{"thread", "fork", "spawn"});
  CHECK(ids(far) == ids(near));
  CHECK_NOFAIL(far["fork"] > 2 * near["fork"]);
  for (const Series& point : from_large.points) {
    CHECK(point.x == from_large.points.front().x);
    CHECK(point.x > static_cast<double>(kLargeParent));
  }
  CHECK(from_small.points.front().x < from_large.points.front().x);
  CHECK(memory_files() == 0);
}

TEST_CASE("a frame is handed over in every way, and a large one by handle faster than through a pipe", "[costs]") {
  const NothingLeft check;
  const testing::Holdings before = testing::Holdings::now();
  std::string folder = "/tmp/tessera-costs-test-XXXXXX";
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  for (const std::uint64_t bytes : {std::uint64_t{4096}, std::uint64_t{24'000}, kLargeFrame}) {
    INFO(bytes);
    const Measured measured = handover_costs(bytes, folder, kShort);
    Medians found = medians(measured.points);
    std::set<std::string> expected{"handle", "new-mapping", "window-copy", "pipe",  "large-pipe",
                                   "socket", "file",        "remote-read", "thread"};
    for (const std::string& sentence : measured.left_out) {
      WARN(sentence);
      if (sentence.starts_with("process_vm_readv")) expected.erase("remote-read");
      if (sentence.starts_with("A pipe of 1 MiB")) expected.erase("large-pipe");
    }
    CHECK(ids(found) == expected);
    for (const Series& point : measured.points) CHECK(point.x == static_cast<double>(bytes));
    if (bytes == kLargeFrame) CHECK_NOFAIL(found["pipe"] > 2 * found["handle"]);
    CHECK(testing::Holdings::now() == before);
  }
  CHECK(::rmdir(folder.c_str()) == 0);  // it is empty
  CHECK(memory_files() == 0);
}

// What the giver wrote after the fork is what must arrive: memory that both had before is not enough.
TEST_CASE("each way of handing over delivers the frame as it is, again and again", "[costs]") {
  const NothingLeft check;
  constexpr std::uint64_t kBytes = 300'000;  // several times what a pipe holds, no whole number of pages
  constexpr int kTimes = 3;
  const auto byte_of = [](int time, std::size_t at) { return static_cast<std::byte>(at % 251 + at / 4096 + time); };
  const Mapping source = private_pages(kBytes), target = private_pages(kBytes);
  const FrameMemory memory{source.bytes().first(kBytes), target.bytes().first(kBytes)};
  std::map<std::string, std::unique_ptr<Way>> ways;
  ways["handle"] = handle_way(kBytes);
  ways["new-mapping"] = new_mapping_way(kBytes);
  ways["window-copy"] = window_copy_way(memory);
  ways["pipe"] = pipe_way(memory, 0);
  ways["large-pipe"] = pipe_way(memory, 1 << 20);
  ways["socket"] = socket_way(memory);
  ways["file"] = file_way(memory, "/tmp");
  ways["remote-read"] = remote_read_way(memory);
  for (const auto& [name, way] : ways) {
    INFO(name);
    REQUIRE(way);
    auto [ours, givers] = Channel::make_pair();
    const auto wait_for_word = [](const Channel& line) {
      Message message;
      std::vector<Fd> none;
      return line.receive(message, none, Channel::Wait::block) == Channel::Received::message;
    };
    const auto say = [](const Channel& line) {
      line.send(make_message(MessageType::job, 1, 1), {}, Channel::Wait::block);
    };
    const Channel& giver = givers;
    Peer peer([&, &way = *way] {
      for (int time = 0; time < kTimes; ++time) {
        const auto frame = way.source();
        for (std::size_t at = 0; at < frame.size(); ++at) frame[at] = byte_of(time, at);
        way.prepare();
        way.give();
        if (!wait_for_word(giver)) ::_exit(1);
      }
    });
    if (name == "remote-read" && remote_read_error(peer.pid(), memory.source) != 0) {
      WARN("process_vm_readv is refused here");
      continue;
    }
    for (int time = 0; time < kTimes; ++time) {
      const auto frame = way->take();
      REQUIRE(frame.size() == kBytes);
      std::size_t wrong = 0;
      for (std::size_t at = 0; at < frame.size(); ++at) wrong += frame[at] != byte_of(time, at);
      CHECK(wrong == 0);
      way->done();
      say(ours);
    }
    CHECK_NOTHROW(peer.finish());
  }
}

TEST_CASE("wake-ups of every kind are measured on one CPU, and across two where there are two", "[costs]") {
  const NothingLeft check;
  const Measured measured = wakeup_costs(20, kShort);
  std::set<std::string> expected;
  for (const char* place : {"one-cpu", "two-cpus"})
    for (const char* kind : {"pipe", "seqpacket", "eventfd", "futex", "condvar"})
      if (place == std::string("one-cpu") || cpus_to_choose_from().size() > 1)
        expected.insert(std::string(kind) + "-" + place);
  if (cpus_to_choose_from().empty()) expected.clear();
  CHECK(ids(medians(measured.rows)) == expected);
  CHECK(measured.left_out.size() == (cpus_to_choose_from().size() > 1 ? 0 : 1));
}

TEST_CASE("who may use one CPU is told that nothing across two was measured", "[costs]") {
  const NothingLeft check;
  CHECK(testing::in_child([] {
          stay_on(cpus_to_choose_from().at(0));
          const Measured wakeups = wakeup_costs(5, kShort), frames = handover_costs(4096, "/tmp", kShort);
          const auto across = [](const Series& row) { return row.id.ends_with("two-cpus"); };
          const bool said = wakeups.left_out.size() == 1 && wakeups.left_out[0].find("one only") != std::string::npos &&
                            frames.left_out.size() == 1 && frames.left_out[0].find("apart") != std::string::npos;
          return said && wakeups.rows.size() == 5 && std::ranges::none_of(wakeups.rows, across) ? 0 : 1;
        }) == 0);
}

TEST_CASE("counters are counted alone and together, and a contended mutex costs more than counters of one's own",
          "[costs]") {
  const NothingLeft check;
  for (const unsigned threads : {1U, 2U, 3U}) {
    const Measured measured = sharing_costs(threads, 20'000, kShort);
    Medians found = medians(measured.points);
    CHECK(ids(found) == std::set<std::string>{"mutex", "atomic", "one-line", "own-lines"});
    for (const Series& point : measured.points) CHECK(point.x == threads);
    if (threads == 2 && cpus_to_choose_from().size() > 1) CHECK_NOFAIL(found["mutex"] > 1.5 * found["own-lines"]);
  }
}

TEST_CASE("a page that fork left to two costs more to write than one's own", "[costs]") {
  const NothingLeft check;
  const Measured measured = page_costs(8 << 20, kShort);
  Medians found = medians(measured.rows);
  CHECK(ids(found) == std::set<std::string>{"own", "fresh", "copy", "taken-back", "shared-fresh", "shared-mapped"});
  for (const char* fault : {"fresh", "copy", "taken-back", "shared-fresh", "shared-mapped"}) {
    INFO(fault);
    CHECK_NOFAIL(found[fault] > 2 * found["own"]);
  }
  CHECK(memory_files() == 0);
}

TEST_CASE("things are sampled in turn, as often and as long as was asked", "[costs]") {
  std::string calls;
  double next = 1;
  const std::vector<Measure> measures{{"a", "A", 3,
                                       [&] {
                                         calls += 'a';
                                         return next++;
                                       }},
                                      {"b", "B", 4, [&] {
                                         calls += 'b';
                                         return next++;
                                       }}};
  const std::vector<Series> all = sample_in_turn(measures, {0, 2, 100});
  CHECK(calls == "ababab");
  REQUIRE(all.size() == 2);
  CHECK(all[0].seconds == std::vector<double>{3, 5});  // without the first round
  CHECK(all[1].seconds == std::vector<double>{4, 6});
  CHECK((all[1].id == "b" && all[1].name == "B" && all[1].x == 4));
  CHECK(sample_in_turn(measures, {1e9, 2, 7})[0].seconds.size() == 7);
}

TEST_CASE("a helper brings back what it measured, or why it could not", "[costs]") {
  const NothingLeft check;
  const Measured sent{
      {{"row", "a row", 0, {0.5, 0.25}}}, {{"curve", "", 4096, {1e-9}}, {"curve", "", 8192, {}}}, {"No."}};
  const Measured got = in_helper([&] { return sent; });
  REQUIRE((got.rows.size() == 1 && got.points.size() == 2));
  CHECK((got.rows[0].id == "row" && got.rows[0].name == "a row" && got.rows[0].seconds == sent.rows[0].seconds));
  CHECK((got.points[0].x == 4096 && got.points[0].seconds == sent.points[0].seconds && got.points[1].x == 8192));
  CHECK(got.left_out == sent.left_out);

  const auto error_of = [](const std::function<Measured()>& body) {
    try {
      in_helper(body);
    } catch (const std::system_error& error) {
      return error;
    }
    return std::system_error(0, std::generic_category());
  };
  const std::system_error thrown =
      error_of([]() -> Measured { throw std::system_error(ENOSPC, std::generic_category(), "write of a frame"); });
  CHECK(thrown.code().value() == ENOSPC);
  CHECK(thrown.what() == std::string("write of a frame: No space left on device"));
  const auto ended_by = [](int number) {
    return [number]() -> Measured {
      ::kill(::getpid(), number);
      return {};
    };
  };
  CHECK(error_of(ended_by(SIGKILL)).what() == std::string("a measuring process was ended by signal 9: Protocol error"));
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) CHECK(error_of(ended_by(number)).code().value() == EINTR);
}

TEST_CASE("a folder in which no file can be made is an error with a sentence, and nothing is left", "[costs]") {
  const NothingLeft check;
  CHECK_THROWS_WITH(handover_costs(4096, "/nonexistent", kShort),
                    "making a file to hand frames over in: No such file or directory");
}

TEST_CASE("a process at the other end is gone when whoever made it lets go", "[costs]") {
  const NothingLeft check;
  pid_t pid = 0;
  {
    const Peer peer([] {
      for (;;) ::pause();
    });
    pid = peer.pid();
    CHECK(::kill(pid, 0) == 0);
  }
  CHECK(::kill(pid, 0) != 0);
  Peer failing([] { throw std::system_error(EIO, std::generic_category(), "no"); });
  CHECK_THROWS_AS(failing.finish(), std::system_error);
}

}  // namespace
}  // namespace tessera::workers::costs
