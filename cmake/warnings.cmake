# Link tessera_warnings to a target of ours; headers of others are SYSTEM and stay silent.
add_library(tessera_warnings INTERFACE)
target_compile_options(tessera_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
if(TESSERA_WERROR)
  target_compile_options(tessera_warnings INTERFACE -Werror)
endif()
if(TESSERA_SANITIZE)
  # GCC sees more "maybe" in instrumented code than there is (std::regex of its own library, for one).
  target_compile_options(tessera_warnings INTERFACE -Wno-maybe-uninitialized)
endif()
