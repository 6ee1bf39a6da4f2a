--[[
  Saves a remediation that a report offers. One that exists already is left as it is.

  Keys:
    recordKey  hash of the remediation: rev, state and record
    runKey     list of the run's remediation ids, in the order of its report
  Arguments:
    id         of the remediation
    record     JSON
    ttlMs      how long both are kept, in milliseconds
  Returns: 1, or 0 if it exists already.
]]
local recordKey = KEYS[1]
local runKey = KEYS[2]
local id = ARGV[1]
local record = ARGV[2]
local ttlMs = ARGV[3]

if redis.call('exists', recordKey) == 1 then return 0 end
redis.call('hset', recordKey, 'rev', '1', 'state', 'offered', 'record', record)
redis.call('pexpire', recordKey, ttlMs)
redis.call('rpush', runKey, id)
redis.call('pexpire', runKey, ttlMs)
return 1
