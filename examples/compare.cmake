# Runs an example and compares what it prints with what is expected.
execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE actual RESULT_VARIABLE result)
file(READ ${EXPECTED} expected)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} ended with ${result}")
endif()
if(NOT actual STREQUAL expected)
  message(FATAL_ERROR "the output differs from ${EXPECTED}:\n${actual}")
endif()
