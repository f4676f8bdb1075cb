# nv_warnings: link it privately to compile with the project's warnings.
option(NV_WERROR "Warnings are errors" ON)

add_library(nv_warnings INTERFACE)
target_compile_options(nv_warnings INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wundef
  -Wvla $<$<BOOL:${NV_WERROR}>:-Werror>)
