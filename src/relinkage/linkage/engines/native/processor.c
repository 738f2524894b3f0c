/* What this processor and this system can run. */
#include "work.h"

#ifdef RELINKAGE_EMULATE
int supported(int kernel) { return kernel >= 0 && kernel < KERNELS; }
#else

#if defined(__x86_64__)
#include <cpuid.h>
#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

static uint64_t enabled_by_system(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

/* Linux gives a process the tile registers where it asks for them. */
static int tiles_permitted(void) {
#if defined(__linux__) && defined(SYS_arch_prctl)
    enum { ASK = 0x1023, TILE_DATA = 18 };
    return syscall(SYS_arch_prctl, ASK, TILE_DATA) == 0;
#else
    return 0;
#endif
}

int supported(int kernel) {
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1)) return 0; /* XGETBV */
    const uint64_t system = enabled_by_system();
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    const int avx2 = (b >> 5 & 1) && (system & 0x6) == 0x6;
    const int avx512 = (b >> 16 & 1) && (b >> 30 & 1) && (system & 0xe6) == 0xe6;
    const int tile = (d >> 24 & 1) && (d >> 25 & 1) && (system & 0x60000) == 0x60000;
    switch (kernel) {
        case AVX2: return avx2;
        case VNNI: return avx2 && avx512 && (c >> 11 & 1);
        case AMX: return avx2 && avx512 && tile && tiles_permitted();
        default: return 0;
    }
}
#else
int supported(int kernel) { return (void)kernel, 0; }
#endif
#endif
