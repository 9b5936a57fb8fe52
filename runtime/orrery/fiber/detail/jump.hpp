// jump.hpp: from one stack to another, inlined into whoever switches.
// Why:  Boost.Context's jump_fcontext is a function: it is called on one stack and left on another by an indirect jump, so
//       the processor's own stack of return addresses is one entry too deep from then on, and return after return is
//       mispredicted (6 ns each, where the registers take 2). Also it saves six registers for every caller, most of
//       which hold nothing.
// How:  an asm statement that says it changes every register. The compiler saves what it still needs, in the frame in
//       which it stands; the statement itself saves the frame pointer, the control words of SSE and x87, and where to go
//       on. Nothing is called and nothing returns. A new stack begins with the address of its first function.
//
//         a parked stack, upwards:  where to go on | control words | rbp | 128 bytes of red zone | the frame of the switch
//
//       Anywhere else than on x86-64 (and with control-flow enforcement, whose landing pads this has not) it is Boost's.
// Always true:  (J1) control words are saved and restored with the fiber, as with Boost; a new fiber begins with those of
//                    whoever switches to it first
// Known limit:  a debugger unwinds a parked fiber only when it is told how: testkit/gdb/orrery.py tells gdb.
// Source:       the calling convention of the System V ABI for x86-64, sections 3.2.1 and 3.2.2; that a switch should save only
//               what is live: Photon's "stackful coroutine made fast" (Z. Li et al., 2024). Measured: docs/performance.md.
#pragma once
#include <boost/context/detail/fcontext.hpp>

#include <cstddef>
#include <cstdint>

#if defined(__x86_64__) && defined(__linux__) && !defined(__CET__) && !defined(__ILP32__)
#define ORRERY_FIBER_INLINE_JUMP 1
#else
#define ORRERY_FIBER_INLINE_JUMP 0
#endif

namespace orrery::fiber::detail {

using Transfer = boost::context::detail::transfer_t;  ///< the context that was left, and what it sent

#if ORRERY_FIBER_INLINE_JUMP

/// Parks the running stack and goes on where `to` was parked, which gets `data`. Returns when somebody jumps back.
__attribute__((always_inline)) inline Transfer jump(void* to, void* data) noexcept {
  asm volatile(
      "leaq -128(%%rsp), %%rsp\n\t"
      "pushq %%rbp\n\t"
      "leaq -8(%%rsp), %%rsp\n\t"
      "stmxcsr (%%rsp)\n\t"
      "fnstcw 4(%%rsp)\n\t"
      "leaq 1f(%%rip), %%rax\n\t"
      "pushq %%rax\n\t"
      "movq %%rsp, %%rax\n\t"
      "movq %%rdi, %%rsp\n\t"
      "movq %%rax, %%rdi\n\t"
      "popq %%rax\n\t"
      "jmp *%%rax\n"
      "1:\n\t"
      "ldmxcsr (%%rsp)\n\t"
      "fldcw 4(%%rsp)\n\t"
      "leaq 8(%%rsp), %%rsp\n\t"
      "popq %%rbp\n\t"
      "leaq 128(%%rsp), %%rsp\n\t"
      : "+D"(to), "+S"(data)
      :
      : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "cc", "memory", "xmm0",
        "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
        "xmm14", "xmm15"
#if defined(__AVX512F__)
        ,
        "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27",
        "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6", "k7"
#endif
  );
  return {to, data};
}

/// Returns: a context that calls `first` on the stack below `top` when it is jumped to; `first` does not return.
inline void* make_context(void* top, std::size_t, void (*first)(Transfer)) noexcept {
  auto* frame = reinterpret_cast<std::uintptr_t*>(reinterpret_cast<std::uintptr_t>(top) & ~std::uintptr_t{15});
  *--frame = 0;  // where a return address would stand: the end for whoever unwinds, and the alignment of an entry
  *--frame = reinterpret_cast<std::uintptr_t>(first);
  return frame;
}

#else

inline Transfer jump(void* to, void* data) noexcept { return boost::context::detail::jump_fcontext(to, data); }
inline void* make_context(void* top, std::size_t bytes, void (*first)(Transfer)) noexcept {
  return boost::context::detail::make_fcontext(top, bytes, first);
}

#endif

}  // namespace orrery::fiber::detail
