--[[
  Lists people whose window of refusals has ended by Redis' clock.

  Keys:
    endsKey  sorted set: user ids by the end of the window, in milliseconds of the epoch
  Arguments:
    limit    how many to list at most
  Returns: list of user ids, ordered by the end of their windows.
]]
local endsKey = KEYS[1]
local limit = ARGV[1]

-- @include "../../lua/includes/now.lua"

local nowMs = now()
return redis.call('zrangebyscore', endsKey, '-inf', nowMs, 'LIMIT', 0, limit)
