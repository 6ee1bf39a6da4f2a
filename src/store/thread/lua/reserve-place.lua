--[[
  Takes a place at the end of a lane, or keeps the place that it has.

  Keys:
    placesKey      sorted set: places by rank, in microseconds of the epoch
    askedKey       hash: place -> its rank, and when it was last asked for in milliseconds of the epoch
  Arguments:
    place          names the call
    forgetAfterMs  how long the lane is kept from now on, in milliseconds
  Returns: nothing.
]]
local placesKey = KEYS[1]
local askedKey = KEYS[2]
local place = ARGV[1]
local forgetAfterMs = ARGV[2]

-- @include "includes/keep-place.lua"

keepPlace(placesKey, askedKey, place, '', forgetAfterMs)
