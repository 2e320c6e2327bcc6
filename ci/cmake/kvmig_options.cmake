# SPDX-License-Identifier: MIT
# What kvmig's own code is compiled with. Nothing here reaches a consumer: the settings of a
# directory end with it, and kvmig_options is linked by kvmig's own programs only.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# For the whole directory rather than on a target, because the targets that verify the headers
# (VERIFY_INTERFACE_HEADER_SETS) link nothing but the header's own library.
add_compile_options(
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor
  -Woverloaded-virtual -Wold-style-cast -Wcast-qual -Wformat=2 -Wundef)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # Warns of every `"text" + std::string` when it optimises (GCC bug 105651).
  add_compile_options(-Wno-restrict)
endif()
if(KVMIG_WARNINGS_AS_ERRORS)
  add_compile_options(-Werror)
endif()

add_library(kvmig_options INTERFACE)
set(KVMIG_SANITIZE "" CACHE STRING "Sanitizers for kvmig's own programs and tests, e.g. address,undefined")
if(KVMIG_SANITIZE)
  target_compile_options(kvmig_options INTERFACE
    -fsanitize=${KVMIG_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all
    # GCC's manual: with sanitizers such warnings are often false.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(kvmig_options INTERFACE -fsanitize=${KVMIG_SANITIZE})
endif()

# Each source compiles the headers' inline functions anew, which takes most of its time.
option(KVMIG_UNITY
  "Compile several sources as one: half the time as a whole, more after a change of one" OFF)
if(KVMIG_UNITY AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # It warns of a parameter that is called as something in another source's unnamed namespace.
  target_compile_options(kvmig_options INTERFACE -Wno-shadow)
endif()
