--[[
  Adds an audience to a run, unless the run is closed. The first audience of a channel is kept.

  Keys:
    audiencesKey  hash of the run: channel id -> audience
  Arguments:
    channelId     the audience's channel
    audience      JSON
    ttlSeconds    how long the hash is kept from now on
    closed        name of the field that a closed run has
  Returns: the audience of the channel, or `closed`.
]]
local audiencesKey = KEYS[1]
local channelId = ARGV[1]
local audience = ARGV[2]
local ttlSeconds = ARGV[3]
local closed = ARGV[4]

if redis.call('hexists', audiencesKey, closed) == 1 then return closed end
redis.call('hsetnx', audiencesKey, channelId, audience)
redis.call('expire', audiencesKey, ttlSeconds)
return redis.call('hget', audiencesKey, channelId)
