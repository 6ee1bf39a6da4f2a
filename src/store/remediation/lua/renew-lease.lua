--[[
  Extends the lease on a remediation that is being applied or verified, for the holder of its newest token only.

  Keys:
    recordKey      hash of the remediation: rev, state, token and record
    dueKey         sorted set: remediation ids by deadline, in milliseconds of the epoch
    ...targetKeys  a lock of each target; its value is the id of the remediation that has it
  Arguments:
    id             of the remediation
    token          the holder's fencing token
    leaseMs        how long the lease is extended from now, in milliseconds
    lockMs         how long the targets stay locked, in milliseconds
  Returns: 1, or 0 if the lease is lost.
]]
local recordKey = KEYS[1]
local dueKey = KEYS[2]
local targetKeys = {} for at = 3, #KEYS do targetKeys[#targetKeys + 1] = KEYS[at] end
local id = ARGV[1]
local token = ARGV[2]
local leaseMs = ARGV[3]
local lockMs = ARGV[4]

-- @include "../../lua/includes/now.lua"

-- Not read from the record: it may be large, and cjson refuses texts that JavaScript writes, such as half of a surrogate pair.
local state, holder = unpack(redis.call('hmget', recordKey, 'state', 'token'))
if holder ~= token or (state ~= 'applying' and state ~= 'settling') then return 0 end
local nowMs = now()
redis.call('zadd', dueKey, nowMs + tonumber(leaseMs), id)
for _, targetKey in ipairs(targetKeys) do
  if redis.call('get', targetKey) == id then redis.call('pexpire', targetKey, lockMs) end
end
return 1
