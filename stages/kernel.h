// TESSERA_KERNEL marks a plain function whose loops the compiler vectorises twice, for any x86-64 and for AVX2; the
// right one is chosen when the program is loaded. No intrinsics, and the same bytes from both: integers are exact, and
// float arithmetic is done sample by sample in a fixed order, never contracted (-ffp-contract=off) or re-associated.
// It is not for templates: a kernel is a function of its own that calls TESSERA_INLINE ones.
#pragma once

// The loader's choice (an ifunc) runs before the sanitizers have set themselves up.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define TESSERA_KERNEL __attribute__((target_clones("avx2", "default")))
#else
#define TESSERA_KERNEL
#endif
#define TESSERA_INLINE inline __attribute__((always_inline))
