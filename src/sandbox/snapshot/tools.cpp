#include "sandbox/snapshot/tools.h"

// AC_SNAPSHOT_*: paths of what the build made of thaw.cpp and freeze.cpp.
#define AC_EMBED(name, path)              \
    asm(".section .rodata\n"              \
        ".balign 16\n" #name              \
        "_begin:\n"                       \
        ".globl " #name                   \
        "_begin\n"                        \
        ".incbin \"" path "\"\n" #name    \
        "_end:\n"                         \
        ".globl " #name                   \
        "_end\n"                          \
        ".byte 0\n"                       \
        ".text\n");                       \
    extern "C" const char name##_begin[]; \
    extern "C" const char name##_end[]

AC_EMBED(ac_snapshot_python, AC_SNAPSHOT_PYTHON);
#ifdef AC_SNAPSHOT_THAW
AC_EMBED(ac_snapshot_thaw, AC_SNAPSHOT_THAW);
AC_EMBED(ac_snapshot_freeze, AC_SNAPSHOT_FREEZE);
#endif

namespace ac::sandbox::snapshot {

#ifdef AC_SNAPSHOT_THAW
std::string_view thaw_program() {
    return {ac_snapshot_thaw_begin, ac_snapshot_thaw_end};
}
std::string_view freeze_library() {
    return {ac_snapshot_freeze_begin, ac_snapshot_freeze_end};
}
#else
std::string_view thaw_program() {
    return {};
}
std::string_view freeze_library() {
    return {};
}
#endif
std::string_view template_python() {
    return {ac_snapshot_python_begin, ac_snapshot_python_end};
}

}  // namespace ac::sandbox::snapshot
