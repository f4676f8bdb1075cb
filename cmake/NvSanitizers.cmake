# nv_sanitizers: what NV_SANITIZE asks for ("address,undefined" or "thread"), for every target.
set(NV_SANITIZE "" CACHE STRING "Value of -fsanitize=, or empty")

add_library(nv_sanitizers INTERFACE)
if(NV_SANITIZE)
  target_compile_options(nv_sanitizers INTERFACE
    -fsanitize=${NV_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(nv_sanitizers INTERFACE -fsanitize=${NV_SANITIZE})
endif()
