#include <cassert>
#include <cerrno>
#include <cstring>
#include <deque>
#include <functional>
#include <system_error>
#include <thread>

#include "workers/costs/costs.h"
#include "workers/costs/cpus.h"
#include "workers/costs/handover_ways.h"
#include "workers/costs/helper.h"
#include "workers/costs/pages.h"
#include "workers/costs/sampling.h"

namespace tessera::workers::costs {
namespace {

constexpr int kLargePipe = 1 << 20;

/// What the taker asks the giver for, and what the giver says when it has given.
struct Order {
  std::uint64_t way = 0, frame = 0;
};
struct Given {
  double start_s = 0;
  std::uint64_t sum = 0;
};

/// Of all words and of their order (Fletcher): a word that is missing, old or elsewhere makes another sum.
std::uint64_t sum_of(std::span<const std::byte> bytes) {
  std::uint64_t words = 0, sums = 0;
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, sizeof(word));
    words += word;
    sums += words;
  }
  return sums;
}

/// A frame that is like no other one and nowhere the same. Returns its sum.
std::uint64_t finish_frame(std::span<std::byte> bytes, std::uint64_t frame) {
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(std::uint64_t)) {
    const std::uint64_t word = (frame << 40) + at + 1;
    std::memcpy(bytes.data() + at, &word, sizeof(word));
  }
  return sum_of(bytes);
}

/// Frames given as they are asked for, through any of some ways. Made before the giver is forked or started.
class Giving {
 public:
  explicit Giving(const std::deque<std::unique_ptr<Way>>& ways) : ways_(ways) {}

  /// In the giver, until it is told to stop.
  void serve() const {
    for (;;) {
      const Order order = receive<Order>(line_.second);
      if (order.way == kStop) return;
      Way& way = *ways_[order.way];
      Given given;
      given.sum = finish_frame(way.source(), order.frame);
      way.prepare();
      given.start_s = now_s();
      way.give();
      send(line_.second, given);
    }
  }

  /// In the taker: seconds that one frame took.
  double take_one(std::uint64_t number) {
    Way& way = *ways_[number];
    send(line_.first, Order{number, ++frame_});
    const std::span<const std::byte> frame = way.take();
    read_each_page(frame);
    const double end = now_s();
    const auto given = receive<Given>(line_.first);
    const bool right = frame.size() == way.source().size() && sum_of(frame) == given.sum;
    way.done();
    if (!right)
      throw std::system_error(EPROTO, std::generic_category(), "a frame arrived that is not the one that was sent");
    return end - given.start_s;
  }
  void stop() { send(line_.first, Order{kStop, 0}); }

 private:
  static constexpr std::uint64_t kStop = ~std::uint64_t{0};

  template <typename T>
  static void send(const Channel& line, const T& body) {
    if (line.send(make_message(MessageType::job, 1, 1, body), {}, Channel::Wait::block) != Channel::Sent::sent)
      throw_errno("ordering a frame");
  }
  template <typename T>
  static T receive(const Channel& line) {
    Message message;
    std::vector<Fd> none;
    if (line.receive(message, none, Channel::Wait::block) != Channel::Received::message)
      throw std::system_error(EPIPE, std::generic_category(), "waiting for what the other process says of a frame");
    return message.as<T>();
  }

  const std::deque<std::unique_ptr<Way>>& ways_;
  std::pair<Channel, Channel> line_ = Channel::make_pair();
  std::uint64_t frame_ = 0;
};

class GivingThread {
 public:
  GivingThread(Giving& giving, std::function<void()> first)
      : giving_(giving), thread_([this, first = std::move(first)] {
          first();
          giving_.serve();
        }) {}
  ~GivingThread() {
    giving_.stop();
    thread_.join();
  }
  GivingThread(const GivingThread&) = delete;
  GivingThread& operator=(const GivingThread&) = delete;

 private:
  Giving& giving_;
  std::thread thread_;
};

}  // namespace

Measured handover_costs(std::uint64_t bytes, const std::string& folder, const Effort& effort) {
  assert(bytes > 0 && bytes % sizeof(std::uint64_t) == 0);
  return in_helper([&] {
    Measured measured;
    const std::vector<int> cpus = cpus_to_choose_from();
    const bool apart = cpus.size() > 1;
    if (!apart)
      measured.left_out.push_back("Handing over from one CPU to another: giver and taker cannot be kept apart here.");
    const auto stay_apart = [&](std::size_t which) {
      if (apart) stay_on(cpus[which]);
    };
    stay_apart(0);
    const Mapping source = private_pages(bytes), target = private_pages(bytes), threads_own = private_pages(bytes);
    const FrameMemory memory{source.bytes().first(bytes), target.bytes().first(bytes)};
    std::deque<std::unique_ptr<Way>> ways, ways_of_threads;
    Giving process(ways), thread(ways_of_threads);
    std::vector<Measure> measures;
    const auto add = [&](const char* id, const char* name, std::unique_ptr<Way> way) {
      ways.push_back(std::move(way));
      const std::uint64_t number = ways.size() - 1;
      measures.push_back(
          {id, name, static_cast<double>(bytes), [&process, number] { return process.take_one(number); }});
    };
    add("handle", "handle to shared memory", handle_way(bytes));
    add("new-mapping", "handle, mapped anew", new_mapping_way(bytes));
    add("window-copy", "copied into shared memory", window_copy_way(memory));
    add("pipe", "pipe", pipe_way(memory, 0));
    if (auto large = pipe_way(memory, kLargePipe))
      add("large-pipe", "pipe of 1 MiB", std::move(large));
    else
      measured.left_out.push_back("A pipe of 1 MiB: the system refuses it (see /proc/sys/fs/pipe-max-size).");
    add("socket", "unix stream socket", socket_way(memory));
    add("file", "file", file_way(memory, folder));
    add("remote-read", "process_vm_readv", remote_read_way(memory));

    Peer giver([&] {
      stay_apart(1);
      process.serve();
    });
    if (const int code = remote_read_error(giver.pid(), memory.source); code != 0) {
      measured.left_out.push_back("process_vm_readv: refused here (" + std::generic_category().message(code) + ").");
      measures.pop_back();
    }
    ways_of_threads.push_back(pointer_way(threads_own.bytes().first(bytes)));
    {
      const GivingThread other(thread, [&] { stay_apart(1); });
      measures.push_back(
          {"thread", "pointer between threads", static_cast<double>(bytes), [&thread] { return thread.take_one(0); }});
      measured.points = sample_in_turn(measures, effort);
    }
    process.stop();
    giver.finish();
    return measured;
  });
}

}  // namespace tessera::workers::costs
