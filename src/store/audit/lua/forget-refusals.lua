--[[
  Forgets a window that has ended and in which every refusal was audited.

  Keys:
    countsKey  hash: user id -> refusals in the window
    endsKey    sorted set: user ids by the end of the window, in milliseconds of the epoch
  Arguments:
    userId     the person
    audited    refusals of a person that are audited one by one in a window
  Returns: 1 if the window is forgotten, otherwise 0.
]]
local countsKey = KEYS[1]
local endsKey = KEYS[2]
local userId = ARGV[1]
local audited = tonumber(ARGV[2])

-- @include "../../lua/includes/now.lua"

local nowMs = now()
local endsMs = redis.call('zscore', endsKey, userId)
if not endsMs or tonumber(endsMs) > nowMs then return 0 end
if tonumber(redis.call('hget', countsKey, userId) or '0') > audited then return 0 end
redis.call('hdel', countsKey, userId)
return redis.call('zrem', endsKey, userId)
