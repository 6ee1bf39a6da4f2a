--[[
  Reads how many refusals a person has in the current window, and Redis' clock.

  Keys:
    countsKey  hash: user id -> refusals in the window
  Arguments:
    userId     the person
  Returns: the count as a string, and the time in milliseconds of the epoch.
]]
local countsKey = KEYS[1]
local userId = ARGV[1]

-- @include "../../lua/includes/now.lua"

local nowMs = now()
return {redis.call('hget', countsKey, userId) or '0', nowMs}
