-- @include "../../../lua/includes/now.lua"

-- Returns the rank of a place as a string, and when it was last asked for in milliseconds of the epoch; nil and 0 if there is no such place.
local function findPlace(askedKey, place)
  local rank, askedMs = string.match(redis.call('hget', askedKey, place) or '', '^(%d+) (%d+)$')
  return rank, tonumber(askedMs or 0)
end

-- Takes a place in a lane with a rank in microseconds of the epoch, or keeps the rank that it has.
-- Returns Redis' clock, in milliseconds of the epoch.
local function keepPlace(placesKey, askedKey, place, newRank, forgetAfterMs)
  local nowMs, newest = now()
  -- A clock that is ahead must not put a place behind all that come later.
  local rank = findPlace(askedKey, place) or string.format('%d', math.min(tonumber(newRank) or newest, newest))
  redis.call('zadd', placesKey, rank, place)
  redis.call('hset', askedKey, place, rank .. ' ' .. string.format('%d', nowMs))
  redis.call('pexpire', placesKey, forgetAfterMs)
  redis.call('pexpire', askedKey, forgetAfterMs)
  return nowMs
end
