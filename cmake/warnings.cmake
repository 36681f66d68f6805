# Warnings and sanitizers of our own targets; consumers inherit neither.
add_library(framealloc_warnings INTERFACE)
target_compile_options(framealloc_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow $<$<COMPILE_LANGUAGE:CXX>:-Wold-style-cast>)
if(FRAMEALLOC_WERROR)
  target_compile_options(framealloc_warnings INTERFACE -Werror)
endif()
if(FRAMEALLOC_SANITIZE)
  add_compile_options(-fsanitize=${FRAMEALLOC_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  if(FRAMEALLOC_SANITIZE MATCHES undefined)
    add_compile_options(-fno-sanitize=vptr)  # asks for RTTI, which the core is built without
  endif()
  add_link_options(-fsanitize=${FRAMEALLOC_SANITIZE})
endif()
