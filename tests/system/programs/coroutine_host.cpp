// SPDX-License-Identifier: MIT
//
// A host that links nothing of the plugin, is built without exceptions and RTTI, and runs coroutines over a plugin that it loads.
#include <dlfcn.h>
#include <framepump/coroutines.hpp>

#include <cstdio>
#include <string>

namespace fp = framepump;

namespace {

fp::Task<> serve(fp::Tasks&, fp::TaskListener listener) {
  fp::Result<fp::TaskStream> stream = co_await listener.accept();
  if (!stream) co_return;
  const fp::Result<std::string_view> line = co_await stream->read_until('\n');
  if (line) (void)co_await stream->write_all("loaded\n");
}

fp::Task<> ask(fp::Tasks& tasks, uint16_t port, bool& is_answered) {
  fp::Result<fp::TaskStream> stream = co_await fp::with_timeout(tasks.connect("127.0.0.1", port), 60'000);
  if (!stream || !co_await stream->write_all("hello\n")) co_return;
  const fp::Result<std::string_view> line = co_await stream->read_until('\n');
  is_answered = line && *line == "loaded";
}

int run(fp::Api api) {
  fp::Result<fp::Network> net = fp::Network::create(api);
  if (!net) return std::puts(net.error().text()), 1;
  fp::Tasks tasks(*net);
  fp::Result<fp::TaskListener> listener = tasks.listen("127.0.0.1", 0);
  if (!listener) return std::puts(listener.error().text()), 1;
  const uint16_t port = listener->port();
  bool is_answered = false;
  tasks.start(serve(tasks, std::move(*listener)));
  tasks.start(ask(tasks, port, is_answered));
  for (uint64_t frame = 1; frame < 10'000 && !is_answered; ++frame) {
    net->tick({.frame = frame, .now_us = static_cast<int64_t>(frame) * 1'000});
    net->flush();
    net->wait_until(0);
  }
  return is_answered ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return std::puts("usage: coroutine_host LIBRARY"), 2;
  void* library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return std::puts(dlerror()), 1;
  const int status = run(fp::Api::from(dlsym(library, "framepump_get_api")));
  dlclose(library);
  return status;
}
