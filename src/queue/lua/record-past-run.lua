--[[
  Notes what is known of a run. `queued` never replaces `answered`: the answer may be noted first.

  Keys:
    currentKey  hash of this generation: run id -> mark
  Arguments:
    runId       the run
    mark        what to note
    queued      mark of a run that was queued
    ttlSeconds  how long the generation is kept from now on
  Returns: 1.
]]
local currentKey = KEYS[1]
local runId = ARGV[1]
local mark = ARGV[2]
local queued = ARGV[3]
local ttlSeconds = ARGV[4]

redis.call(mark == queued and 'hsetnx' or 'hset', currentKey, runId, mark)
return redis.call('expire', currentKey, ttlSeconds)
