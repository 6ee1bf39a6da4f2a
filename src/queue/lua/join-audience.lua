--[[
  Adds an audience to a run, unless the run is closed. The first audience of a place is kept.

  Keys:
    audiencesKey  hash of the run: place -> audience
  Arguments:
    place         the audience's channel, or its channel and thread
    audience      JSON
    ttlSeconds    how long the hash is kept from now on
    closed        name of the field that a closed run has
  Returns: the audience of the place, or `closed`.
]]
local audiencesKey = KEYS[1]
local place = ARGV[1]
local audience = ARGV[2]
local ttlSeconds = ARGV[3]
local closed = ARGV[4]

if redis.call('hexists', audiencesKey, closed) == 1 then return closed end
redis.call('hsetnx', audiencesKey, place, audience)
redis.call('expire', audiencesKey, ttlSeconds)
return redis.call('hget', audiencesKey, place)
