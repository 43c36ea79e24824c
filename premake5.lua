-- SPDX-License-Identifier: MIT
--
-- The one build description: `premake5 gmake && make -C build config=release`. tests/support/setup does this and more.
-- Every program and library lands in <out>/<configuration>, where the demo and the tests find each other.

-- Debian packages premake4 4.3 only. This block teaches it the premake5 names that the file uses; premake5 never enters it.
if not workspace then
  local dialects, terms = {}, {}
  local function setter(map, apply)
    return function(value)
      if map[value] then apply { map[value] } end
    end
  end

  workspace = solution
  function filter(conditions)
    terms = {}
    for _, condition in ipairs(type(conditions) == "string" and { conditions } or conditions) do
      terms[#terms + 1] = (condition:gsub("%a+:", ""))
    end
    configuration(terms)
  end
  -- premake4 has no dialects, and a plain build option would reach C sources too.
  function cppdialect(version) dialects[solution().name] = "-std=" .. version:lower() end
  local cxxflags = premake.gcc.getcxxflags
  premake.gcc.getcxxflags = function(cfg)
    return table.join(cxxflags(cfg), { dialects[cfg.project.solution.name] })
  end

  removefiles       = excludes
  symbols           = setter({ On = "Symbols" }, flags)
  optimize          = setter({ On = "Optimize" }, flags)
  exceptionhandling = setter({ Off = "NoExceptions" }, flags)
  rtti              = setter({ Off = "NoRTTI" }, flags)
  warnings          = setter({ Extra = "-Wall -Wextra" }, buildoptions)
  pic               = setter({ On = "-fPIC" }, buildoptions)
  visibility        = setter({ Hidden = "-fvisibility=hidden" }, buildoptions)

  -- premake4 knows no tokens: the folder is set once for each configuration.
  local set_targetdir = targetdir
  function targetdir(folder)
    local keep = terms
    for _, config in ipairs(solution().configurations) do
      configuration(table.join(keep, { config }))
      set_targetdir((folder:gsub("%%{cfg.buildcfg}", config)))
    end
    configuration(keep)
  end
end

newoption { trigger = "out", value = "DIR", description = "Folder for makefiles, objects and programs (default: build)" }
newoption { trigger = "plugin", description = "Nothing but the plugin: for plugin/install, which needs no more" }
newoption { trigger = "with", value = "LIST", description = "What the plugin can do beside the default: any of names,tls,downloads" }
newoption { trigger = "bench", description = "Add the benchmarks' programs" }
newoption { trigger = "fuzz", description = "Nothing but the plugin and the programs that look for bytes which break it (clang++ only)" }
newoption { trigger = "asan", description = "Build with AddressSanitizer and UndefinedBehaviorSanitizer" }
newoption { trigger = "tsan", description = "Build with ThreadSanitizer (clang++ only)" }

-- Each is a define, FRAMEPUMP_WITH_NAMES and so on, and the libraries that come with it. Downloads need names, and hash with OpenSSL.
local optional = {
  names = { "libcares" },
  tls = { "openssl" },
  downloads = { "libcurl", "libcrypto", "libcares" },
}
local with = {}
for name in (_OPTIONS["with"] or ""):gmatch("[^,]+") do
  if not optional[name] then error("--with: '" .. name .. "' is unknown; allowed are names, tls, downloads") end
  with[name] = true
end
if with.downloads then with.names = true end

local out = _OPTIONS["out"] or "build"
local sanitized = _OPTIONS["asan"] or _OPTIONS["tsan"] or _OPTIONS["fuzz"]

-- The dependencies' headers are system headers: their warnings are not ours to fix.
local function use(...)
  local function ask(question, package)
    local pipe = io.popen("pkg-config --" .. question .. " " .. package)
    local answer = pipe:read("*a")
    pipe:close()
    local words = {}
    for word in answer:gmatch("%S+") do words[#words + 1] = word end
    return words
  end
  for _, package in ipairs { ... } do
    for _, flag in ipairs(ask("cflags", package)) do buildoptions { (flag:gsub("^%-I", "-isystem ")) } end
    for _, library in ipairs(ask("libs-only-l", package)) do links { (library:gsub("^%-l", "")) } end
    linkoptions(ask("libs-only-L", package))
  end
end

-- What whoever links the plugin links too.
local function use_plugin_libraries()
  use("libenet")
  for _, name in ipairs { "downloads", "tls", "names" } do
    for _, package in ipairs(with[name] and optional[name] or {}) do use(package) end
  end
end

workspace "framepump"
  configurations { "debug", "release" }
  location(out)
  targetdir(out .. "/%{cfg.buildcfg}")
  objdir(out .. "/obj")
  language "C++"
  cppdialect "C++20"
  warnings "Extra"
  buildoptions { "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror" }
  visibility "Hidden"
  symbols "On"
  includedirs { "plugin/include" }
  links { "pthread" }

  filter { "configurations:release" }
    optimize "On"
    defines { "NDEBUG" }
  -- -O1 and line tables: the cheapest build of the plugin whose tests finish in time and whose reports name lines.
  filter { "options:asan" }
    buildoptions { "-O1", "-g1", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=all" }
    linkoptions { "-fsanitize=address,undefined" }
  filter { "options:tsan" }
    buildoptions { "-O1", "-g1", "-fno-omit-frame-pointer", "-fsanitize=thread" }
    linkoptions { "-fsanitize=thread" }
  filter { "options:fuzz" }
    defines { "FRAMEPUMP_LIBFUZZER" }
    buildoptions { "-O1", "-g1", "-fno-omit-frame-pointer", "-fsanitize=fuzzer-no-link,address,undefined", "-fno-sanitize-recover=all" }
    linkoptions { "-fsanitize=address,undefined" }
  filter {}

-- The plugin, compiled once for both of its forms.
project "framepump"
  kind "StaticLib"
  pic "On"
  exceptionhandling "Off"
  rtti "Off"
  includedirs { "plugin/src" }
  files { "plugin/src/**.h", "plugin/src/**.cpp" }
  for _, name in ipairs { "downloads", "names", "tls" } do
    if with[name] then defines { "FRAMEPUMP_WITH_" .. name:upper() } end
  end

-- The shared form is the static library behind one exported symbol; installed it bears the name that is inside of it. The version script also keeps the standard library's unique
-- symbols local; a single exported one would make dlclose a no-op.
project "framepump_plugin"
  kind "SharedLib"
  files { "plugin/framepump.map" }
  links { "framepump" }
  local map = path.getrelative(path.getabsolute(out), path.getabsolute("plugin/framepump.map"))
  use_plugin_libraries()
  linkoptions { "-Wl,-u,framepump_get_api", "-Wl,--version-script=" .. map, "-Wl,-soname,libframepump.so.0" }
  if not sanitized then linkoptions { "-Wl,--no-undefined" } end  -- clang leaves the sanitizers' symbols to the program

if _OPTIONS["plugin"] then return end

-- Each file of tests/fuzz but one is a program of libFuzzer's; tests/fuzz/run runs them.
if _OPTIONS["fuzz"] then
  project "fuzz_demo"
    kind "StaticLib"
    includedirs { "." }
    files { "demo/protocol/**.h", "demo/protocol/**.cpp", "demo/server/http_request.*", "demo/server/file_request.*" }
    removefiles { "demo/protocol/update_bytes.*", "demo/protocol/private_folder.*" }  -- they read nothing

  for _, source in ipairs(os.matchfiles("tests/fuzz/*.cpp")) do
    if path.getbasename(source) ~= "corpus_test" then
      project("fuzz_" .. path.getbasename(source))
        kind "ConsoleApp"
        rtti "Off"
        includedirs { ".", "plugin/src", "tests" }
        files { source }
        links { "fuzz_demo", "framepump" }
        linkoptions { "-fsanitize=fuzzer" }
        use_plugin_libraries()
    end
  end
  return
end

-- Benchmarks, in a build of their own: each file of tests/bench/programs is a program; those of tests/bench/peers need the library that
-- their name begins with, and come only where it is installed.
if _OPTIONS["bench"] then
  local function bench_program(source, ...)
    project(path.getbasename(source))
      kind "ConsoleApp"
      includedirs { "tests" }
      files { source }
      links { "bench_support", "framepump" }
      use_plugin_libraries()
      use("libxxhash", ...)
  end

  project "bench_support"
    kind "StaticLib"
    includedirs { "tests" }
    files { "tests/bench/support/**.h", "tests/bench/support/**.cpp", "tests/support/emulated_link.*",
            "tests/support/allocation_count.*" }

  for _, source in ipairs(os.matchfiles("tests/bench/programs/*.cpp")) do bench_program(source) end
  if os.isfile("/usr/include/benchmark/benchmark.h") then
    bench_program("tests/bench/micro/bench_micro.cpp", "benchmark")
    files { "tests/bench/micro/bench_messages.cpp" }
    files { "tests/bench/micro/bench_coroutines.cpp" }
    includedirs { "plugin/src" }
    rtti "Off"  -- as the plugin, from whose interfaces it derives
  end
  local peers = {
    asio = { header = "/usr/include/asio.hpp" },
    uv = { header = "/usr/include/uv.h", module = "libuv" },
    event = { header = "/usr/include/event2/event.h", module = "libevent" },
    uring = { header = "/usr/include/liburing.h", module = "liburing" },
  }
  for name, peer in pairs(peers) do
    if os.isfile(peer.header) then
      for _, source in ipairs(os.matchfiles("tests/bench/peers/" .. name .. "_*.cpp")) do bench_program(source, peer.module) end
    end
  end
  return
end

-- doctest's macros are much code: the test programs are compiled in half of the time this way. The plugin in them keeps its own options.
-- Debug builds keep theirs, for the debugger.
local function build_cheaply()
  filter { sanitized and "configurations:debug" or "configurations:release" }
    buildoptions { sanitized and "-O0" or "-O1", "-g1" }
  filter {}
end

-- Helpers of the tests, and the main function of the two test programs.
project "test_support"
  kind "StaticLib"
  build_cheaply()
  rtti "Off"
  includedirs { "plugin/src", "tests" }
  files { "tests/support/*.h", "tests/support/*.cpp" }

project "engine_stub"
  kind "StaticLib"
  includedirs { ".", "plugin" }
  files { "engine_stub/*.h", "engine_stub/*.cpp",  -- the folders in it are programs of their own, for an installed plugin
          "plugin/extras/trace_recorder.*" }
  use("sdl2")

project "demo_server"
  kind "ConsoleApp"
  includedirs { ".", "plugin" }
  files { "demo/server/**.h", "demo/server/**.cpp", "demo/protocol/**.h", "demo/protocol/**.cpp", "plugin/extras/trace_recorder.*" }
  links { "framepump" }
  use_plugin_libraries()
  use("libxxhash")

-- The client loads the plugin as an engine would, so it must link without it.
project "demo_client"
  kind "ConsoleApp"
  includedirs { ".", "plugin" }
  files { "demo/client/**.h", "demo/client/**.cpp", "demo/protocol/**.h", "demo/protocol/**.cpp", "plugin/extras/overlay*" }
  links { "engine_stub" }
  use("imgui", "sdl2", "libxxhash", "libcrypto")

-- Tests see the plugin's inside, so they are built without RTTI as it is: a test double derived from one of its interfaces would
-- otherwise want type information that nobody emits.
local function test_program(name, folders)
  project(name)
    kind "ConsoleApp"
    build_cheaply()
    rtti "Off"
    includedirs { "plugin/src", "tests" }
    links { "test_support", "framepump" }
    use_plugin_libraries()
    for _, folder in ipairs(folders) do
      files { "tests/" .. folder .. "/**.h", "tests/" .. folder .. "/**.cpp" }
    end
end

test_program("unit_tests", { "platform", "gate", "pump", "sources", "downloads", "network", "config", "boundary", "extras", "demo", "fuzz" })
  files { "demo/protocol/**.h", "demo/protocol/**.cpp", "demo/client/lanes.cpp", "demo/client/settings.cpp",
          "demo/client/tour.cpp", "demo/client/swarm_view.cpp", "demo/client/swarm_client.cpp", "demo/client/expected_hash.cpp",
          "demo/client/file_update.cpp", "demo/server/swarm.cpp", "demo/server/swarm_server.cpp", "demo/server/chat_server.cpp",
          "demo/server/http_request.cpp", "demo/server/file_request.cpp", "demo/server/file_server.cpp", "demo/server/certificate.cpp", "plugin/extras/trace_recorder.*", "plugin/extras/overlay*" }
  includedirs { ".", "plugin" }
  use("imgui", "libxxhash", "sdl2")
test_program("system_tests", { "system", "fault" })
  removefiles { "tests/system/programs/**" }
  files { "plugin/extras/trace_recorder.*" }
  includedirs { "plugin" }

-- Each file of this folder is a host of its own that loads the plugin and must link without it.
for _, source in ipairs(os.matchfiles("tests/system/programs/*.c*")) do
  project(path.getbasename(source))
    kind "ConsoleApp"
    files { source }
    links { "dl" }
    linkoptions { "-rdynamic" }  -- what a program exports, the plugin must get along with
    if path.getextension(source) == ".c" then
      language "C"
      buildoptions { "-std=c11" }
    else  -- as many engines build their gameplay code
      exceptionhandling "Off"
      rtti "Off"
    end
end
