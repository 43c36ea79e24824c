// SPDX-License-Identifier: MIT
//
// The main function of the test programs. Under tests/run (FRAMEPUMP_TEST_MARKS set) each test announces itself on standard
// output, so that the runner counts what really ran to its end and can name the test that crashed or hung:
//
//   @@ begin NAME
//   @@ pass SECONDS NAME     or     @@ fail SECONDS NAME
//   @@ end
//
// A test that cannot run here prints `SKIP: reason` and returns; `COUNT: what N` lines are added up over all programs.

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FRAMEPUMP_TEST_SANITIZED_BUILD
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define FRAMEPUMP_TEST_SANITIZED_BUILD
#endif
#endif

#ifdef FRAMEPUMP_TEST_SANITIZED_BUILD
#define DOCTEST_CONFIG_NO_POSIX_SIGNALS  // the sanitizer's own report of a crash says more
#endif
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>

namespace {

class Marks : public doctest::IReporter {
 public:
  explicit Marks(const doctest::ContextOptions&) : enabled_(std::getenv("FRAMEPUMP_TEST_MARKS") != nullptr) {}

  void test_case_start(const doctest::TestCaseData& test) override {
    name_ = test.m_name;
    if (enabled_) std::printf("\n@@ begin %s\n", name_);
  }
  void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
    if (enabled_) std::printf("\n@@ %s %.3f %s\n", stats.failure_flags == 0 ? "pass" : "fail", stats.seconds, name_);
  }
  void test_run_end(const doctest::TestRunStats&) override {
    if (enabled_) std::printf("\n@@ end\n");
  }

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}

 private:
  bool enabled_;
  const char* name_ = "";
};

}  // namespace

REGISTER_LISTENER("framepump_marks", 1, Marks);

int main(int argc, char** argv) {
  // Whatever a test has printed is in the log when it crashes.
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return doctest::Context(argc, argv).run();
}
