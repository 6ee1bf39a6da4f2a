--[[
  Claims a key, unless another owner has it. Safe to send again: the owner of a claim whose answer was lost gets it again.

  Keys:
    key    what is claimed; its value is the owner
  Arguments:
    owner  unique to this claim
    ttlMs  how long the claim lasts, in milliseconds
  Returns: 1 if `owner` has the key, otherwise 0.
]]
local key = KEYS[1]
local owner = ARGV[1]
local ttlMs = ARGV[2]

if redis.call('set', key, owner, 'NX', 'PX', ttlMs) then return 1 end
if redis.call('get', key) == owner then return 1 end
return 0
