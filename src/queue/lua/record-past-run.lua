--[[
  Records the state of a run. `queued` never replaces `answered`, because the answer may be recorded first.

  Keys:
    currentKey  hash of this generation: run id -> mark
  Arguments:
    runId       the run
    mark        the state to record
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
