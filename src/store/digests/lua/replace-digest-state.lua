--[[
  Replaces the state of a digest, by compare-and-set, and with it the last run or what was posted last. Either both change or neither.

  Keys:
    stateKey  hash of the digest: rev and state
    valueKey  JSON that changes together with the state
  Arguments:
    revision  the revision that the change was decided on; 0 where there was no state
    state     JSON: the next state
    value     JSON for valueKey, or '' to leave it as it is
    ttlMs     how long both are kept, in milliseconds
  Returns: 1 if it was replaced, 0 if the revision is another.
]]
local stateKey = KEYS[1]
local valueKey = KEYS[2]
local revision = tonumber(ARGV[1])
local state = ARGV[2]
local value = ARGV[3]
local ttlMs = ARGV[4]

local current = tonumber(redis.call('hget', stateKey, 'rev') or '0')
if current ~= revision then return 0 end
redis.call('hset', stateKey, 'rev', revision + 1, 'state', state)
redis.call('pexpire', stateKey, ttlMs)
if value ~= '' then redis.call('set', valueKey, value, 'px', ttlMs) end
return 1
