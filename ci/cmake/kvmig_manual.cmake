# SPDX-License-Identifier: MIT
# kvmig_manual(PROGRAM): the man page and the shells' completions, printed by PROGRAM itself once it
# is built, and installed where man, bash, zsh and fish look; and the target `reference`.
function(kvmig_manual program)
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/manual")
  file(MAKE_DIRECTORY "${folder}")
  set(files "")
  foreach(each IN ITEMS kvmig.1:manual kvmig:completion,bash _kvmig:completion,zsh
      kvmig.fish:completion,fish)
    string(REGEX MATCH "^(.*):(.*)$" each "${each}")
    set(file "${folder}/${CMAKE_MATCH_1}")
    string(REPLACE "," ";" arguments "${CMAKE_MATCH_2}")
    # Defaults are those of nobody's environment.
    add_custom_command(OUTPUT "${file}" DEPENDS ${program} VERBATIM
      COMMAND "${CMAKE_COMMAND}" -E env --unset=KVMIG_LAB $<TARGET_FILE:${program}> ${arguments}
        > "${file}")
    list(APPEND files "${file}")
  endforeach()
  add_custom_target(${program}_manual ALL DEPENDS ${files})
  add_custom_target(reference DEPENDS ${program} VERBATIM COMMAND "${PROJECT_SOURCE_DIR}/ci/reference"
    $<TARGET_FILE:${program}> "${PROJECT_BINARY_DIR}/reference")
  install(FILES "${folder}/kvmig.1" COMPONENT program
    DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
  install(FILES "${folder}/kvmig" COMPONENT program
    DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions")
  install(FILES "${folder}/_kvmig" COMPONENT program
    DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions")
  install(FILES "${folder}/kvmig.fish" COMPONENT program
    DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d")
endfunction()
