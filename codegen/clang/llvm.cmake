# SPDX-License-Identifier: GPL-2.0-or-later
# tapjit_llvm: how a program gets Clang and LLVM. With TAPJIT_STATIC_LLVM the archives, x86 only: such a program starts in 3 ms;
# without, the shared libraries: quick to link, but their relocations cost each start 18 ms. Headers are system headers (no warnings).
find_program(TAPJIT_LLVM_CONFIG NAMES llvm-config-19 PATHS /usr/lib/llvm-19/bin REQUIRED)
function(tapjit_ask_llvm variable)
  execute_process(COMMAND ${TAPJIT_LLVM_CONFIG} ${ARGN} OUTPUT_VARIABLE answer OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE " " ";" answer "${answer}")
  set(${variable} "${answer}" PARENT_SCOPE)
endfunction()

tapjit_ask_llvm(llvm_include --includedir)
tapjit_ask_llvm(llvm_libdir --libdir)
tapjit_ask_llvm(llvm_version --version)
string(REGEX MATCH "^[0-9]+" llvm_major "${llvm_version}")

add_library(tapjit_llvm INTERFACE)
target_include_directories(tapjit_llvm SYSTEM INTERFACE ${llvm_include})
if(TAPJIT_STATIC_LLVM)
  set(clang_archives)
  foreach(part CodeGen ExtractAPI Frontend Driver Serialization Parse Sema APINotes Analysis ASTMatchers Edit AST Lex Support Basic)
    list(APPEND clang_archives ${llvm_libdir}/libclang${part}.a)
  endforeach()
  tapjit_ask_llvm(llvm_archives --link-static --libs x86codegen x86asmparser x86desc x86info orcjit passes bitreader bitwriter option
                  coverage lto frontenddriver frontendhlsl frontendopenmp hipstdpar)
  # Debian's build registers Polly as an extension of every pipeline; clang/polly_stand_in.cpp answers for it, so its archives stay out.
  list(FILTER llvm_archives EXCLUDE REGEX Polly)
  target_link_libraries(tapjit_llvm INTERFACE ${clang_archives} -L${llvm_libdir} ${llvm_archives} -lz -lzstd -lm)
  # Each shared library costs a start 0.2 ms and more. libxml2 (with ICU) is only for Windows manifests: nothing here refers to it.
  target_link_options(tapjit_llvm INTERFACE -no-pie -Wl,--gc-sections -Wl,--icf=all -Wl,--as-needed -static-libstdc++ -static-libgcc)
else()
  target_link_libraries(tapjit_llvm INTERFACE -L${llvm_libdir} -l:libclang-cpp.so.${llvm_major}.1 -l:libLLVM.so.${llvm_major}.1)
endif()
