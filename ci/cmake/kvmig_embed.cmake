# SPDX-License-Identifier: MIT
# kvmig_embed(TARGET FOLDER FUNCTION): the files below FOLDER as data in TARGET, handed out by
# `std::span<const kvmig::lab::embedded_file> kvmig::lab::FUNCTION()`. A FOLDER that is not there
# has none.
function(kvmig_embed target folder function)
  cmake_path(ABSOLUTE_PATH folder)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS LIST_DIRECTORIES false
    RELATIVE "${folder}" "${folder}/*")
  list(SORT files)
  list(LENGTH files count)
  set(entries "")
  foreach(file IN LISTS files)
    set(path "${folder}/${file}")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${path}")
    file(READ "${path}" content)
    if(content MATCHES "^#!")
      set(mode 0755)
    else()
      set(mode 0644)
    endif()
    string(APPEND entries "    {\"${file}\", ${mode}, R\"kvmig(${content})kvmig\"},\n")
  endforeach()
  set(output "${CMAKE_CURRENT_BINARY_DIR}/embedded_${function}.cpp")
  file(CONFIGURE OUTPUT "${output}" @ONLY CONTENT
"#include <lab/image/embedded.hpp>
#include <array>
namespace kvmig::lab {
std::span<const embedded_file> @function@() {
    static constexpr std::array<embedded_file, @count@> files{{
@entries@    }};
    return files;
}
} // namespace kvmig::lab
")
  target_sources(${target} PRIVATE "${output}")
endfunction()
