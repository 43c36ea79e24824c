# SPDX-License-Identifier: MIT
#
# From the log of a test program (see main.cpp for its marks) to one line for each test:
#   ok NAME      FAIL NAME: why      SKIP NAME: why      COUNT what N
# A failure is followed by what the test said, indented. Variables: program, status (its exit status), limit_s, chosen (1: a
# filter chose the tests, there may be none).

function close_test() {
  name = ""
  said_lines = 0
}

# What the test said, the end of it where it said much.
function tell(    i) {
  for (i = said_lines > 40 ? said_lines - 39 : 1; i <= said_lines; i++) print "    " said[i]
}

function fail(who, why) {
  print "FAIL " program ": " who ": " why
  tell()
  failures++
}

/^@@ begin / {
  name = substr($0, 10)
  said_lines = 0
  skip_reason = ""
  tests++
  next
}

/^@@ pass / {
  sub(/^@@ pass [0-9.]+ /, "")
  if (skip_reason != "") print "SKIP " program ": " $0 ": " skip_reason
  else print "ok " program ": " $0
  close_test()
  next
}

/^@@ fail / {
  sub(/^@@ fail [0-9.]+ /, "")
  fail($0, "failed")
  close_test()
  next
}

/^@@ end$/ {
  ended = 1
  next
}

/^SKIP: / && name != "" {
  skip_reason = substr($0, 7)
  next
}

/^COUNT: .* [0-9]+$/ {
  sub(/^COUNT: /, "COUNT ")
  print
  next
}

NF > 0 { said[++said_lines] = $0 }

END {
  died = status == 124 || status == 137 ? "ran into the limit of " limit_s " s" : \
    status == 0 ? "ended the program" : "crashed with exit status " status
  if (name != "") fail(name, died)
  else if (!ended) fail("all tests", died)
  else if (tests == 0 && !chosen) fail("all tests", "ran no test")
  else if (status != 0 && failures == 0) fail("after its last test", "exit status " status)
}
