-- SPDX-License-Identifier: MIT
--
-- Coroutines that wait for the network. A task runs until it waits; what it waits for wakes it, and the tick that publishes that
-- resumes it. So a tick costs what happened in it, however many tasks wait for that; those that sleep are looked through in each tick.
local Tasks = {}
Tasks.__index = Tasks

function Tasks.new()
  return setmetatable({
    waiting = {},      -- handle of an object: the tasks that wait for something to happen to it
    waiting_count = 0,
    woken = {},        -- are resumed by the next tick
    sleeping = {},     -- { task = ..., until_s = ... }
    problems = {},     -- of tasks that failed since the last tick
    current = nil,     -- the task that runs
    is_over = false,   -- the network was closed
  }, Tasks)
end

-- Runs until its first wait at once.
function Tasks:spawn(run, ...)
  if type(run) ~= "function" then
    return nil, ("spawn: the task is a %s, allowed is a function"):format(type(run)), "invalid argument"
  end
  if self.is_over then return nil, "spawn: the network is closed", "stale handle" end
  local task = { coroutine = coroutine.create(run), state = "waiting" }
  self:resume(task, ...)
  return task
end

function Tasks:resume(task, ...)
  local before = self.current
  self.current, task.state, task.is_listed = task, "running", false
  local is_good, problem = coroutine.resume(task.coroutine, ...)
  self.current = before
  if not is_good then
    task.state, task.error = "failed", debug.traceback(task.coroutine, tostring(problem))
    self.problems[#self.problems + 1] = task.error
  elseif coroutine.status(task.coroutine) == "dead" then
    task.state = "finished"
  elseif self.is_over then
    task.state = "ended"
  else
    task.state = "waiting"
    if not task.is_listed then self:list(self.woken, task) end  -- a yield of its own: until the next frame
  end
end

function Tasks:list(list, entry)
  local task = entry.task or entry
  list[#list + 1], task.is_listed = entry, true
end

-- Nil where nothing can wait: outside of a task, or in a coroutine of its own inside of one.
function Tasks:may_wait(what)
  if self.current and coroutine.running() == self.current.coroutine then return self end
  return nil, what .. " waits: call it in a function that was given to spawn", "invalid argument"
end

-- The three waits. Each may come back before what it waits for is there, so callers look again.
function Tasks:wait_for(handle)
  local list = self.waiting[handle] or {}
  self.waiting[handle] = list
  self.waiting_count = self.waiting_count + 1
  self:list(list, self.current)
  coroutine.yield()
end

function Tasks:wait_until(time_s)
  self:list(self.sleeping, { task = self.current, until_s = time_s })
  coroutine.yield()
end

-- Before the first tick, which is when time begins.
function Tasks:wait_from_first_tick(seconds)
  self:list(self.sleeping, { task = self.current, from_first_tick_s = seconds })
  coroutine.yield()
end

function Tasks:wait_a_frame()
  self:list(self.woken, self.current)
  coroutine.yield()
end

-- Whoever waits for this object is resumed by the next tick, or by the one that goes on.
function Tasks:wake(handle)
  local list = self.waiting[handle]
  if not list then return end
  self.waiting[handle] = nil
  self.waiting_count = self.waiting_count - #list
  for _, task in ipairs(list) do self.woken[#self.woken + 1] = task end
end

function Tasks:wake_sleepers(now_s)
  local still = {}
  for _, sleeper in ipairs(self.sleeping) do
    sleeper.until_s = sleeper.until_s or now_s + sleeper.from_first_tick_s
    local list = sleeper.until_s <= now_s and self.woken or still
    list[#list + 1] = list == still and sleeper or sleeper.task
  end
  self.sleeping = still
end

-- Resumes each task that was woken, once. Returns true, or nil and what the failed ones said.
function Tasks:run()
  local woken = self.woken
  self.woken = {}
  for _, task in ipairs(woken) do
    if self.is_over then
      task.state = "ended"
    else
      self:resume(task)
    end
  end
  if #self.problems == 0 then return true end
  local problems = table.concat(self.problems, "\n")
  self.problems = {}
  return nil, problems, "task failed"
end

-- No task is resumed any more; one that runs now ends with its next wait.
function Tasks:finish()
  self.is_over = true
  local function finish(list)
    for _, entry in ipairs(list) do
      local task = entry.task or entry
      task.state = "ended"
    end
  end
  for _, list in pairs(self.waiting) do finish(list) end
  finish(self.woken)
  finish(self.sleeping)
  self.waiting, self.waiting_count, self.woken, self.sleeping = {}, 0, {}, {}
end

return Tasks
