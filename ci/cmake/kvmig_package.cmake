# SPDX-License-Identifier: MIT
# `cpack` in the build folder makes libkvmig-dev, the library with what compiles it, and kvmig, the
# program with what its lab needs. Everything is taken from where it is already written down.
set(CPACK_PACKAGE_NAME kvmig)
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_COMPONENTS_ALL library)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

# Whoever builds a package answers for it, and tells who that is as with Debian's own tools.
if(DEFINED ENV{DEBEMAIL})
  set(CPACK_PACKAGE_CONTACT "$ENV{DEBFULLNAME} <$ENV{DEBEMAIL}>")
else()
  set(CPACK_PACKAGE_CONTACT "Built locally <root@localhost>")
endif()

# Each begins with PROJECT_DESCRIPTION.
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libkvmig-dev)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libdevel)
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION
  "The library: headers for C++20, and what CMake and pkg-config need to find them.")
set(depends "")
foreach(component IN LISTS KVMIG_COMPONENTS)
  if(kvmig_modules_${component})
    list(APPEND depends pkg-config)
  endif()
  foreach(need IN LISTS kvmig_packages_${component} kvmig_modules_${component})
    string(REGEX REPLACE ".*:" "" debian "${need}")
    list(APPEND depends "${debian}")
  endforeach()
endforeach()
list(REMOVE_DUPLICATES depends)
list(JOIN depends ", " CPACK_DEBIAN_LIBRARY_PACKAGE_DEPENDS)
install(FILES LICENSE RENAME copyright COMPONENT library
  DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/libkvmig-dev")

if(TARGET kvmig)
  list(APPEND CPACK_COMPONENTS_ALL program)
  set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME kvmig)
  set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION admin)
  set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
  set(CPACK_COMPONENT_PROGRAM_DESCRIPTION
    "The program, with a lab of two nested hosts to try migrations in.")
  # What the lab runs on is recommended: checking, migrating and explaining need none of it.
  file(STRINGS ci/packages lines)
  set(recommends "")
  foreach(line IN LISTS lines)
    if(line MATCHES "^\\[(.*)\\]$")
      set(section "${CMAKE_MATCH_1}")
    elseif(section STREQUAL "lab" AND line MATCHES "^[a-z]")
      string(REPLACE "*" "" line "${line}")
      list(APPEND recommends "${line}")
    endif()
  endforeach()
  list(REMOVE_ITEM recommends tar util-linux) # essential: Debian has them everywhere
  list(JOIN recommends ", " CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS)
  install(FILES LICENSE RENAME copyright COMPONENT program
    DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/kvmig")
endif()

set(CPACK_PRE_BUILD_SCRIPTS "${CMAKE_CURRENT_LIST_DIR}/kvmig_compress_manual.cmake")
include(CPack)
