# bin/netversus, and share/netversus/{scripts,bench} beside which the program finds its helpers.
set(nv_data_dir "${CMAKE_INSTALL_DATADIR}/netversus")

if(TARGET netversus)
  install(TARGETS netversus RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
  install(FILES "${PROJECT_BINARY_DIR}/netversus.1" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
endif()
install(DIRECTORY scripts DESTINATION "${nv_data_dir}" USE_SOURCE_PERMISSIONS
  PATTERN __pycache__ EXCLUDE
  PATTERN "*_test.py" EXCLUDE
  REGEX "/scripts/(quickstart|test|peers)$" EXCLUDE)
if(EXISTS "${PROJECT_SOURCE_DIR}/bench")
  install(DIRECTORY bench DESTINATION "${nv_data_dir}" USE_SOURCE_PERMISSIONS
    PATTERN __pycache__ EXCLUDE
    REGEX "/bench/(lib|micro|peers|CMakeLists.txt)$" EXCLUDE)
endif()
install(FILES LICENSE README.md CHANGELOG.md DESTINATION "${CMAKE_INSTALL_DOCDIR}" OPTIONAL)
