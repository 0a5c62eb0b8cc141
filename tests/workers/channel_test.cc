#include "workers/channel.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>

#include "tests/workers/support.h"
#include "workers/board.h"

namespace tessera::workers {
namespace {

using Received = Channel::Received;
using Wait = Channel::Wait;

struct Ends {
  Channel a, b;
  Ends() { std::tie(a, b) = Channel::make_pair(); }
  void send_raw(const void* bytes, std::size_t size) {
    REQUIRE(::send(a.fd(), bytes, size, 0) == static_cast<ssize_t>(size));
  }
  Received receive() { return b.receive(message, fds, Wait::no); }
  Message message;
  std::vector<Fd> fds;
};

TEST_CASE("a message arrives as it was sent, and then there is nothing", "[workers]") {
  const testing::NothingLeft check;
  Ends ends;
  Completion completion;
  completion.id = 77;
  completion.payload[383] = std::byte{9};
  CHECK(ends.a.send(make_message(MessageType::completion, 3, 5, completion), {}, Wait::no) == Channel::Sent::sent);
  REQUIRE(ends.receive() == Received::message);
  CHECK(ends.message.type == MessageType::completion);
  CHECK(ends.message.window == 3);
  CHECK(ends.message.generation == 5);
  CHECK(ends.message.as<Completion>().id == 77);
  CHECK(ends.message.as<Completion>().payload[383] == std::byte{9});
  CHECK(ends.fds.empty());
  CHECK(ends.receive() == Received::nothing);
}

TEST_CASE("descriptors come along, close-on-exec, as many as a job may have", "[workers]") {
  const testing::NothingLeft check;
  Ends ends;
  const testing::Pipe pipe = testing::Pipe::make();
  const std::vector<int> many(kMaxJobFds, pipe.write.get());
  REQUIRE(ends.a.send(make_message(MessageType::job, 1, 1), many, Wait::no) == Channel::Sent::sent);
  REQUIRE(ends.receive() == Received::message);
  REQUIRE(ends.fds.size() == kMaxJobFds);
  for (const Fd& fd : ends.fds) CHECK((::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
  char byte = 'x';
  REQUIRE(::write(ends.fds.back().get(), &byte, 1) == 1);
  CHECK(::read(pipe.read.get(), &byte, 1) == 1);
}

TEST_CASE("whatever is not one of our messages is malformed", "[workers]") {
  Ends ends;
  Message message = make_message(MessageType::ready, 1, 1);
  SECTION("short") { ends.send_raw(&message, sizeof(message) - 1); }
  SECTION("one byte") { ends.send_raw(&message, 1); }
  SECTION("long") {
    std::array<std::byte, sizeof(Message) + 1> longer{};
    std::memcpy(longer.data(), &message, sizeof(message));
    ends.send_raw(longer.data(), longer.size());
  }
  SECTION("magic") {
    message.magic ^= 1;
    ends.send_raw(&message, sizeof(message));
  }
  SECTION("version") {
    ++message.version;
    ends.send_raw(&message, sizeof(message));
  }
  CHECK(ends.receive() == Received::malformed);
}

TEST_CASE("descriptors that do not match their count are noticed", "[workers]") {
  const testing::NothingLeft check;
  Ends ends;
  Message message = make_message(MessageType::job, 1, 1);
  SECTION("fewer than promised") {
    message.descriptors = 2;
    ends.send_raw(&message, sizeof(message));
    CHECK(ends.receive() == Received::descriptors_lost);
  }
  SECTION("more than promised") {
    Ends other;
    iovec part{&message, sizeof(message)};
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(int))> control{};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = 2;
    std::memcpy(CMSG_DATA(rights), &fd, sizeof(fd));
    REQUIRE(::sendmsg(ends.a.fd(), &header, 0) > 0);
    CHECK(ends.receive() == Received::malformed);
    CHECK(ends.fds.size() == 1);  // ours to close now
  }
}

TEST_CASE("a peer that closes with messages unread is drained, and then closed", "[workers]") {
  Ends ends;
  REQUIRE(ends.b.send(make_message(MessageType::job, 1, 1), {}, Wait::no) == Channel::Sent::sent);
  REQUIRE(ends.a.send(make_message(MessageType::ready, 1, 1), {}, Wait::no) == Channel::Sent::sent);
  ends.a = Channel();  // the job is unread: the first recv says ECONNRESET
  CHECK(ends.receive() == Received::message);
  CHECK(ends.receive() == Received::closed);
  CHECK(ends.b.send(make_message(MessageType::job, 1, 1), {}, Wait::no) == Channel::Sent::peer_gone);
}

TEST_CASE("a channel holds a message for each slot that a worker may have", "[workers]") {
  Ends ends;
  for (std::size_t i = 0; i < kMaxSlots; ++i)
    REQUIRE(ends.a.send(make_message(MessageType::job, 1, 1), {}, Wait::no) == Channel::Sent::sent);
  while (ends.a.send(make_message(MessageType::job, 1, 1), {}, Wait::no) == Channel::Sent::sent) {
  }
  CHECK(ends.a.send(make_message(MessageType::job, 1, 1), {}, Wait::no) == Channel::Sent::full);
}

TEST_CASE("half-closing ends what the peer reads and leaves the other direction open", "[workers]") {
  Ends ends;
  ends.a.shut_sending();
  CHECK(ends.receive() == Received::closed);
  CHECK(ends.b.send(make_message(MessageType::ready, 1, 1), {}, Wait::no) == Channel::Sent::sent);
  CHECK(ends.a.receive(ends.message, ends.fds, Wait::no) == Received::message);
}

}  // namespace
}  // namespace tessera::workers
