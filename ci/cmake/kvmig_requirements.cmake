# SPDX-License-Identifier: MIT
# What each component of kvmig needs, for kvmig's own build and, installed beside the package
# configuration, for its consumers. Written NAME:DEBIAN-PACKAGE.

set(kvmig_requires_core "")
set(kvmig_requires_libvirt core)
set(kvmig_requires_nfs core)
set(kvmig_requires_kvmig core libvirt nfs)

set(kvmig_packages_core tl-expected:libexpected-dev range-v3:librange-v3-dev fmt:libfmt-dev
  pugixml:libpugixml-dev)
set(kvmig_packages_kvmig Threads:libc6-dev)
set(kvmig_modules_libvirt libvirt:libvirt-dev)
set(kvmig_modules_nfs libnfs:libnfs-dev)
set(kvmig_modules_kvmig sqlite3:libsqlite3-dev libxxhash:libxxhash-dev)

# The packages of CMake above as pkg-config knows them: as modules, or as what to link.
set(kvmig_pkg_config_core fmt pugixml)
set(kvmig_link_kvmig -pthread)

# kvmig_find_requirements(COMPONENT VARIABLE): finds what COMPONENT itself needs, and appends to
# the list VARIABLE a sentence for each thing that is missing. A macro, because what find_package
# finds must be seen by the caller.
macro(kvmig_find_requirements component missing)
  foreach(kvmig_need IN LISTS kvmig_packages_${component})
    string(REPLACE ":" ";" kvmig_need "${kvmig_need}")
    list(GET kvmig_need 0 kvmig_name)
    list(GET kvmig_need 1 kvmig_debian)
    find_package(${kvmig_name} QUIET)
    if(NOT ${kvmig_name}_FOUND)
      list(APPEND ${missing}
        "kvmig::${component} needs the CMake package ${kvmig_name} (Debian: ${kvmig_debian}).")
    endif()
  endforeach()
  foreach(kvmig_need IN LISTS kvmig_modules_${component})
    string(REPLACE ":" ";" kvmig_need "${kvmig_need}")
    list(GET kvmig_need 0 kvmig_name)
    list(GET kvmig_need 1 kvmig_debian)
    # The exported targets name PkgConfig::NAME, which exists only where this call made it.
    find_package(PkgConfig QUIET)
    if(PkgConfig_FOUND)
      pkg_check_modules(${kvmig_name} QUIET IMPORTED_TARGET GLOBAL ${kvmig_name})
    endif()
    if(NOT TARGET PkgConfig::${kvmig_name})
      list(APPEND ${missing}
        "kvmig::${component} needs pkg-config and its module ${kvmig_name} (Debian: pkg-config, ${kvmig_debian}).")
    endif()
  endforeach()
endmacro()
