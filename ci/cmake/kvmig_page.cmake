# SPDX-License-Identifier: MIT
# kvmig_page(VARIABLE): gathers the parts of the page that tells a run, and sets VARIABLE to their
# folder: lab/report/page, and uPlot in the version and with the hash of its package-lock.json. Where
# npm cannot bring uPlot the folder is empty: all else is built, and `kvmig lab report --html` says
# what was missing.
function(kvmig_page variable)
  set(source "${CMAKE_CURRENT_SOURCE_DIR}/report/page")
  set(npm "${CMAKE_CURRENT_BINARY_DIR}/npm")
  set(parts "${CMAKE_CURRENT_BINARY_DIR}/page")
  set(${variable} "${parts}" PARENT_SCOPE)
  set(lock "${source}/package-lock.json")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${source}/package.json" "${lock}")

  # Fetched once, and again when another version is asked for.
  file(SHA256 "${lock}" wanted)
  set(stamp "${npm}/${wanted}")
  if(NOT EXISTS "${stamp}")
    file(REMOVE_RECURSE "${npm}" "${parts}")
    find_program(KVMIG_NPM npm)
    set(problem "there is no npm")
    if(KVMIG_NPM)
      file(COPY "${source}/package.json" "${lock}" DESTINATION "${npm}")
      execute_process(COMMAND "${KVMIG_NPM}" ci --ignore-scripts --no-audit --no-fund
        WORKING_DIRECTORY "${npm}" RESULT_VARIABLE status OUTPUT_QUIET ERROR_VARIABLE problem)
      if(status EQUAL 0)
        file(TOUCH "${stamp}")
      endif()
    endif()
    if(NOT EXISTS "${stamp}")
      message(WARNING "`kvmig lab report --html` will not work: uPlot was not fetched: ${problem}\n"
        "Install npm (Debian: apt-get install npm), and configure again.")
      return()
    endif()
  endif()

  file(COPY "${npm}/node_modules/uplot/LICENSE" "${npm}/node_modules/uplot/dist/uPlot.min.css"
    "${npm}/node_modules/uplot/dist/uPlot.iife.min.js" DESTINATION "${parts}/uplot")
  file(GLOB own CONFIGURE_DEPENDS "${source}/*.html" "${source}/*.css" "${source}/*.js")
  foreach(file IN LISTS own)
    get_filename_component(name "${file}" NAME)
    configure_file("${file}" "${parts}/${name}" COPYONLY)
  endforeach()
endfunction()
