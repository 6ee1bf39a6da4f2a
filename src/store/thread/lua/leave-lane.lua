--[[
  Gives up a place in a lane.

  Keys:
    placesKey  sorted set: places by rank, in microseconds of the epoch
    askedKey   hash: place -> its rank, and when it was last asked for in milliseconds of the epoch
  Arguments:
    place      names the call
  Returns: 1, or 0 if there was no such place.
]]
local placesKey = KEYS[1]
local askedKey = KEYS[2]
local place = ARGV[1]

redis.call('zrem', placesKey, place)
return redis.call('hdel', askedKey, place)
