# SPDX-License-Identifier: MIT
# The header-only library: its targets, what they need, and how they are installed.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
include(kvmig_requirements)

# A project that adds kvmig as a subdirectory must see what is found here.
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)
set(kvmig_missing "")
foreach(component IN LISTS KVMIG_COMPONENTS)
  kvmig_find_requirements(${component} kvmig_missing)
endforeach()
if(kvmig_missing)
  list(JOIN kvmig_missing "\n" kvmig_missing)
  message(FATAL_ERROR "${kvmig_missing}\n"
    "Install what is missing, or leave it out: with -DKVMIG_COMPONENTS=core neither libvirt nor libnfs is needed.")
endif()

# kvmig_add_library(NAME FOLDERS FOLDER... [HEADERS FILE...] [LINKS TARGET...]): the headers of
# these folders as the target kvmig::NAME, if it is one of KVMIG_COMPONENTS.
function(kvmig_add_library name)
  cmake_parse_arguments(arg "" "" "FOLDERS;HEADERS;LINKS" ${ARGN})
  if(NOT name IN_LIST KVMIG_COMPONENTS)
    return()
  endif()
  set(root "${PROJECT_SOURCE_DIR}/include")
  set(headers "")
  foreach(folder IN LISTS arg_FOLDERS)
    file(GLOB_RECURSE found CONFIGURE_DEPENDS "${root}/kvmig/${folder}/*.hpp")
    file(GLOB umbrella CONFIGURE_DEPENDS "${root}/kvmig/${folder}.hpp")
    list(APPEND headers ${found} ${umbrella})
  endforeach()
  foreach(header IN LISTS arg_HEADERS)
    list(APPEND headers "${root}/kvmig/${header}")
  endforeach()
  add_library(kvmig_${name} INTERFACE)
  add_library(kvmig::${name} ALIAS kvmig_${name})
  set_target_properties(kvmig_${name} PROPERTIES EXPORT_NAME ${name} VERIFY_INTERFACE_HEADER_SETS ON)
  target_compile_features(kvmig_${name} INTERFACE cxx_std_20)
  target_sources(kvmig_${name} INTERFACE FILE_SET HEADERS BASE_DIRS "${root}" FILES ${headers})
  target_link_libraries(kvmig_${name} INTERFACE ${arg_LINKS})
  if(KVMIG_INSTALL)
    # An export set each, so that a consumer of one component loads no other.
    install(TARGETS kvmig_${name} EXPORT kvmig-${name} FILE_SET HEADERS COMPONENT library)
    install(EXPORT kvmig-${name} NAMESPACE kvmig:: COMPONENT library
      DESTINATION "${CMAKE_INSTALL_DATADIR}/cmake/kvmig")
    kvmig_install_pkg_config(${name})
  endif()
endfunction()

# kvmig_install_pkg_config(NAME): the component for those who build without CMake: kvmig-NAME.pc,
# and kvmig.pc for all of it. It may be moved with the folder it is installed in.
function(kvmig_install_pkg_config name)
  set(requires "")
  foreach(other IN LISTS kvmig_requires_${name})
    list(APPEND requires "kvmig-${other}")
  endforeach()
  foreach(module IN LISTS kvmig_modules_${name})
    string(REGEX REPLACE ":.*" "" module "${module}")
    list(APPEND requires "${module}")
  endforeach()
  list(APPEND requires ${kvmig_pkg_config_${name}})
  list(JOIN requires " " KVMIG_PC_REQUIRES)
  set(KVMIG_PC_LIBS "${kvmig_link_${name}}")
  set(KVMIG_PC_NAME kvmig-${name})
  if(name STREQUAL "kvmig")
    set(KVMIG_PC_NAME kvmig)
  endif()
  file(RELATIVE_PATH KVMIG_PC_PREFIX "/${CMAKE_INSTALL_DATADIR}/pkgconfig" "/")
  string(REGEX REPLACE "/$" "" KVMIG_PC_PREFIX "${KVMIG_PC_PREFIX}")
  configure_file(ci/cmake/kvmig.pc.in ${KVMIG_PC_NAME}.pc @ONLY)
  install(FILES "${CMAKE_CURRENT_BINARY_DIR}/${KVMIG_PC_NAME}.pc"
    DESTINATION "${CMAKE_INSTALL_DATADIR}/pkgconfig" COMPONENT library)
endfunction()

kvmig_add_library(core
  FOLDERS core model xml precheck migration convergence diagnosis tuning ports
  LINKS tl::expected range-v3::range-v3 fmt::fmt pugixml::pugixml)
kvmig_add_library(libvirt FOLDERS libvirt LINKS kvmig_core PkgConfig::libvirt)
kvmig_add_library(nfs FOLDERS nfs LINKS kvmig_core PkgConfig::libnfs)
kvmig_add_library(kvmig
  FOLDERS host run HEADERS kvmig.hpp LINKS kvmig_libvirt kvmig_nfs PkgConfig::sqlite3
    PkgConfig::libxxhash Threads::Threads)

if(KVMIG_INSTALL)
  list(JOIN KVMIG_COMPONENTS ", " KVMIG_COMPONENTS_TEXT)
  configure_package_config_file(ci/cmake/kvmigConfig.cmake.in kvmigConfig.cmake
    INSTALL_DESTINATION "${CMAKE_INSTALL_DATADIR}/cmake/kvmig")
  write_basic_package_version_file(kvmigConfigVersion.cmake
    COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
  install(FILES ci/cmake/kvmig_requirements.cmake
    "${CMAKE_CURRENT_BINARY_DIR}/kvmigConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/kvmigConfigVersion.cmake"
    DESTINATION "${CMAKE_INSTALL_DATADIR}/cmake/kvmig" COMPONENT library)
endif()
