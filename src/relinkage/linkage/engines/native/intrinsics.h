/* The instructions that the products and decisions are written in, or plain C in their place.

   RELINKAGE_EMULATE puts plain C in the place of every one of them, so that all paths can be tested on any
   processor. It is slow and for tests alone. */
#ifndef RELINKAGE_INTRINSICS_H
#define RELINKAGE_INTRINSICS_H

#if defined(__x86_64__) || defined(RELINKAGE_EMULATE)
#define RELINKAGE_KERNELS
#endif

#define ALWAYS_INLINE static inline __attribute__((always_inline))

#ifdef RELINKAGE_EMULATE
#include "emulated.h"
#define TARGET(features)
#define KEEP_ORDER(x) ((void)0)
#elif defined(RELINKAGE_KERNELS)
#include <immintrin.h>
#define TARGET(features) __attribute__((target(features)))
#define KEEP_ORDER(x) __asm__ volatile("" : "+x"(x))
#endif

#endif
