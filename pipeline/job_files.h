// A job's descriptors as the codecs' byte streams. pread and pwrite, never a mapping: a file that someone truncates
// meanwhile is a short read here and would be SIGBUS there.
#pragma once

#include <xxhash.h>

#include <memory>
#include <stdexcept>
#include <vector>

#include "pipeline/wire.h"
#include "stages/codec.h"

namespace tessera::pipeline {

/// The input file got shorter, longer or newer while it was read.
class InputChanged : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
/// The input cannot be read although it is there: EIO, a network file system that went away.
class InputUnreadable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
/// An output could not be written: disk full, quota, I/O error.
class OutputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct FreeHashState {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};
using HashState = std::unique_ptr<XXH3_state_t, FreeHashState>;

/// Reads through one buffer of 64 KiB or what is asked at once. Throws InputChanged, InputUnreadable.
class FdSource final : public stages::ByteSource {
 public:
  explicit FdSource(int fd);
  /// Goes on with another descriptor of the same file: those of a job do not outlive it.
  void go_on(int fd) { fd_ = fd; }
  /// The same as long as the file's size and modification time are.
  std::uint64_t state() const;
  std::uint64_t size() const override { return size_; }
  stages::ReadBytes at(std::uint64_t offset, std::size_t bytes) override;
  /// XXH3-128 of the whole file as it was read. What was read from the start on without a gap is hashed already.
  Hash128 hash_all();
  /// Throws InputChanged unless size and modification time are those of the constructor.
  void check_unchanged() const;

 private:
  int fd_;
  std::uint64_t size_ = 0;
  std::int64_t modified_ns_ = 0;
  std::uint64_t begin_ = 0;
  std::vector<std::byte> buffer_;
  std::size_t filled_ = 0;
  HashState state_;
  std::uint64_t hashed_ = 0;  // bytes [0, hashed_) are in state_
};

/// Buffers ascending writes and hashes them on the way; a write elsewhere (a header filled in last) flushes, goes
/// there, and the hash is then taken by reading the file again. Throws OutputError.
class FdSink final : public stages::ByteSink {
 public:
  explicit FdSink(int fd);
  /// Goes on with another descriptor of the same file.
  void go_on(int fd) { fd_ = fd; }
  void write_at(std::uint64_t offset, stages::ReadBytes) override;
  /// Writes what is buffered; afterwards bytes() and hash() are final.
  void finish();
  /// Returns once the file is on the disk. Throws OutputError.
  void sync() const;
  std::uint64_t bytes() const { return end_; }
  Hash128 hash() const { return hash_; }

 private:
  void flush();
  void write_fully(std::uint64_t offset, stages::ReadBytes) const;

  int fd_;
  std::vector<std::byte> buffer_;
  std::uint64_t flushed_ = 0, end_ = 0;
  bool ascending_ = true;
  HashState state_;
  Hash128 hash_{};
};

/// XXH3-128 over the samples of bands, row by row, without padding; of several planes, over the hashes of each. How the
/// image is cut into bands does not matter, as long as no sample of a coarse plane lies in two of them.
class PixelHasher {
 public:
  void add(const stages::View& band);
  Hash128 finish() const;

 private:
  std::vector<HashState> states_;  // [plane]
};

std::string to_hex(const Hash128&);

}  // namespace tessera::pipeline
