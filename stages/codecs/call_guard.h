// Calls into C libraries that report an error by not returning (libjpeg, libpng). They were not compiled for C++
// exceptions, so none may pass through them: their error callbacks leave by longjmp, and a C++ exception of ours (a
// source that cannot be read) waits in the guard until the library's frames are gone.
#pragma once

#include <csetjmp>
#include <exception>
#include <utility>

namespace tessera::stages {

class CallGuard {
 public:
  /// Runs `call`; false if it was left through leave(). Neither `call` nor anything between it and the library may hold
  /// an object with a destructor: its frames are skipped.
  template <class Call>
  [[nodiscard]] bool run(const Call& call) {
    if (setjmp(jump_) != 0) return false;
    call();
    return true;
  }

  /// Only from a callback, inside run().
  [[noreturn]] void leave() { std::longjmp(jump_, 1); }

  /// Runs C++ code inside a callback; false if it threw, and the callback must leave() after its own objects are gone.
  template <class Code>
  [[nodiscard]] bool keep_exception(const Code& code) noexcept {
    try {
      code();
      return true;
    } catch (...) {
      kept_ = std::current_exception();
      return false;
    }
  }
  /// After run() returned false.
  void rethrow_kept() {
    if (kept_) std::rethrow_exception(std::exchange(kept_, nullptr));
  }

 private:
  std::jmp_buf jump_{};
  std::exception_ptr kept_;
};

}  // namespace tessera::stages
