--[[
  Reads what is known of a past run, from two generations at one moment. `answered` wins over `queued`.

  Keys:
    currentKey   hash of this generation: run id -> mark
    previousKey  hash of the generation before
  Arguments:
    runId        the run
    answered     mark of a run whose answer was posted
  Returns: the run's mark, or '' if it is unknown.
]]
local currentKey = KEYS[1]
local previousKey = KEYS[2]
local runId = ARGV[1]
local answered = ARGV[2]

local found = ''
for _, key in ipairs({currentKey, previousKey}) do
  local mark = redis.call('hget', key, runId)
  if mark == answered then return mark end
  found = mark or found
end
return found
