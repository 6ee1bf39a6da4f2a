--[[
  Closes a run to further audiences. Closing it again returns the same.

  Keys:
    audiencesKey     hash of the run: channel id -> audience
  Arguments:
    ttlSeconds       how long the hash is kept if there are audiences
    emptyTtlSeconds  how long it is kept if there are none
    closed           name of the field that a closed run has
  Returns: list of the audiences and the value of the field `closed`, which is empty.
]]
local audiencesKey = KEYS[1]
local ttlSeconds = ARGV[1]
local emptyTtlSeconds = ARGV[2]
local closed = ARGV[3]

redis.call('hset', audiencesKey, closed, '')
local all = redis.call('hvals', audiencesKey)
redis.call('expire', audiencesKey, #all > 1 and ttlSeconds or emptyTtlSeconds)
return all
