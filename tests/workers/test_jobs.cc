#include "tests/workers/test_jobs.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <new>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

namespace tessera::workers::testing {
namespace {

void nap(std::uint64_t milliseconds = 1) {
  const timespec time{static_cast<time_t>(milliseconds / 1000), static_cast<long>(milliseconds % 1000) * 1'000'000};
  ::nanosleep(&time, nullptr);
}

std::uint64_t sum_of(ReadBytes bytes) {
  return std::accumulate(bytes.begin(), bytes.end(), std::uint64_t{0},
                         [](std::uint64_t sum, std::byte byte) { return sum + std::to_integer<std::uint64_t>(byte); });
}

void wait_for_byte(const JobContext& context) {
  char byte = 0;
  if (::read(context.fd(0), &byte, 1) != 1) throw std::runtime_error("no byte came");
}

void burn(std::uint64_t milliseconds) {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  const std::int64_t until = now.tv_sec * 1000 + now.tv_nsec / 1'000'000 + static_cast<std::int64_t>(milliseconds);
  while (now.tv_sec * 1000 + now.tv_nsec / 1'000'000 < until) ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
}

std::uint64_t open_descriptors() {
  std::uint64_t count = 0;
  for (int fd = 0; fd < 1024; ++fd) count += ::fcntl(fd, F_GETFD) >= 0;
  return count;
}

void store_to(const std::byte* where, std::uint64_t value) {
  *const_cast<volatile std::byte*>(where) = static_cast<std::byte>(value);
}

void work_on_block(const Order& order, JobContext& context, Completion& completion) {
  const Block& block = context.job().blocks[0];
  switch (order.op) {
    case Op::fill:
      std::ranges::fill(context.write(block), static_cast<std::byte>(order.a));
      break;
    case Op::sum:
      put(completion, 0, sum_of(context.read(block)));
      put<std::uint64_t>(completion, 1, context.slot());
      break;
    case Op::sum_then_wait:
      put(completion, 0, sum_of(context.read(block)));
      context.step(order.a);
      context.progress(1);
      wait_for_byte(context);
      break;
    case Op::store:
      store_to(context.read(block).data(), order.a);
      break;
    case Op::write:
      context.write(block);
      break;
    default:
      break;
  }
}

void end_badly(const Order& order, JobContext& context, Completion& completion) {
  switch (order.op) {
    case Op::decline:
      completion.outcome = Outcome::declined;
      put(completion, 0, order.a);
      break;
    case Op::fail:
      completion.outcome = Outcome::failed;
      completion.reason = static_cast<std::int32_t>(order.a);
      break;
    case Op::throw_error:
      throw std::runtime_error("The picture is upside down.");
    case Op::throw_long:
      throw std::runtime_error(std::string(1000, 'x'));
    case Op::throw_bad_alloc:
      throw std::bad_alloc();
    case Op::throw_number:
      throw 42;
    case Op::bad_outcome:
      completion.outcome = Outcome::crashed;
      break;
    case Op::crash:
      context.step(order.a);
      ::raise(SIGSEGV);
      break;
    case Op::abort:
      std::abort();
    case Op::exit:
      std::exit(static_cast<int>(order.a));
    default:
      break;
  }
}

void take_time(const Order& order, JobContext& context, Completion& completion) {
  switch (order.op) {
    case Op::wait_fd:
      context.step(order.a);
      context.progress(1);
      wait_for_byte(context);
      break;
    case Op::wait_cancel:
      context.progress(1);
      while (!context.cancelled()) nap();
      completion.outcome = Outcome::cancelled;
      break;
    case Op::wait_for_ever:
      context.step(order.a);
      context.progress(1);
      for (;;) nap();
    case Op::progress:
      for (std::uint64_t i = 1; i <= order.a; ++i) context.progress(static_cast<std::uint32_t>(i));
      break;
    case Op::burn:
      burn(order.a);
      break;
    case Op::burn_and_rest:
      burn(order.a);
      nap(300);
      break;
    case Op::burn_cancel:
      while (!context.cancelled()) burn(1);
      completion.outcome = Outcome::cancelled;
      break;
    case Op::spin:
      context.progress(1);
      for (;;) burn(1000);
    case Op::rest:
      context.progress(1);
      nap(order.a);
      break;
    default:
      break;
  }
}

const void* volatile seen = nullptr;  // what is stored here cannot be left out by the compiler

void take_memory(const Order& order, const JobContext& context) {
  switch (order.op) {
    case Op::allocate: {
      const std::vector<char> bytes(order.a);
      seen = bytes.data();
      break;
    }
    case Op::allocate_small: {
      std::deque<std::vector<char>> pieces;
      for (std::uint64_t taken = 0; taken < order.a; taken += 1000) pieces.emplace_back(1000);
      break;
    }
    case Op::keep:
      seen = std::memset(::operator new(order.a), 1, order.a);
      break;
    case Op::fill_on:
      std::memset(context.write(context.job().blocks[0]).data(), 1, order.a);
      for (;;) nap();
    default:
      break;
  }
}

void talk(const Order& order) {
  switch (order.op) {
    case Op::say:
    case Op::say_and_crash:
      std::printf("out %llu\n", static_cast<unsigned long long>(order.a));
      std::fprintf(stderr, "err %llu\n", static_cast<unsigned long long>(order.a));
      if (order.op == Op::say_and_crash) ::raise(SIGSEGV);
      break;
    case Op::flood: {
      const std::string text(1 << 20, 'x');
      for (std::uint64_t i = 0; i < order.a; ++i)
        for (std::size_t done = 0; done < text.size();) {
          const ssize_t written = ::write(STDOUT_FILENO, text.data() + done, text.size() - done);
          if (written < 0) throw std::runtime_error("nobody reads");
          done += static_cast<std::size_t>(written);
        }
      break;
    }
    default:
      break;
  }
}

void look_around(const Order& order, JobContext& context, Completion& completion) {
  switch (order.op) {
    case Op::read_fd:
      if (::pread(context.fd(0), completion.payload.data(), 64, 0) < 0) throw std::runtime_error("pread failed");
      put<std::uint64_t>(completion, 8, context.fd_count());
      break;
    case Op::bad_fd:
      context.fd(context.fd_count());
      break;
    case Op::pid:
      put<std::uint64_t>(completion, 0, static_cast<std::uint64_t>(::getpid()));
      break;
    case Op::descriptors:
      put(completion, 0, open_descriptors());
      break;
    default:
      break;
  }
}

}  // namespace

Job make_job(std::uint64_t id, Order order, const Block& block) {
  Job job;
  job.id = id;
  job.block_count = 1;
  job.blocks[0] = block;
  std::memcpy(job.payload.data(), &order, sizeof(order));
  return job;
}

void run_test_job(JobContext& context, Completion& completion) {
  Order order;
  std::memcpy(&order, context.job().payload.data(), sizeof(order));
  work_on_block(order, context, completion);
  end_badly(order, context, completion);
  take_time(order, context, completion);
  take_memory(order, context);
  talk(order);
  look_around(order, context, completion);
}

}  // namespace tessera::workers::testing
