--[[
  Takes or keeps a place in a lane, and returns whether its call may be made now. The pace is a generic cell rate algorithm.

  Keys:
    placesKey      sorted set: places by rank, in microseconds of the epoch
    askedKey       hash: place -> its rank, and when it was last asked for in milliseconds of the epoch
    paceKey        when a whole burst is available again, in milliseconds of the epoch
    pauseKey       exists while the method is paused in the whole workspace
  Arguments:
    place          names the call
    newRank        rank of a new place, in microseconds of the epoch; '' puts it last
    forgetAfterMs  how long the lane is kept from now on, in milliseconds
    intervalMs     between two calls at a steady pace, in milliseconds
    burst          calls that may be made at once
    absentAfterMs  a place that was not asked for within this time is skipped, in milliseconds
    longestWaitMs  the longest wait to return to those that have others ahead, in milliseconds
  Returns: 0 if the call may be made now, otherwise the milliseconds after which to ask again.
]]
local placesKey = KEYS[1]
local askedKey = KEYS[2]
local paceKey = KEYS[3]
local pauseKey = KEYS[4]
local place = ARGV[1]
local newRank = ARGV[2]
local forgetAfterMs = ARGV[3]
local intervalMs = tonumber(ARGV[4])
local burst = tonumber(ARGV[5])
local absentAfterMs = tonumber(ARGV[6])
local longestWaitMs = tonumber(ARGV[7])

-- @include "includes/keep-place.lua"

local nowMs = keepPlace(placesKey, askedKey, place, newRank, forgetAfterMs)
local ahead = 0
for _, other in ipairs(redis.call('zrange', placesKey, 0, redis.call('zrank', placesKey, place))) do
  if other == place or ahead * intervalMs > longestWaitMs + burst * intervalMs then break end
  local _, askedMs = findPlace(askedKey, other)
  if nowMs - askedMs < absentAfterMs then ahead = ahead + 1 else redis.call('zrem', placesKey, other) end
end
local fullMs = math.max(tonumber(redis.call('get', paceKey) or '0'), nowMs)
local waitMs = math.max(fullMs - nowMs - intervalMs * (burst - 1 - ahead), redis.call('pttl', pauseKey))
if ahead > 0 then return math.max(50, math.min(waitMs, longestWaitMs)) end
if waitMs > 0 then return waitMs end
redis.call('set', paceKey, string.format('%d', fullMs + intervalMs), 'PX', math.ceil(fullMs + intervalMs - nowMs) + 1000)
return 0
