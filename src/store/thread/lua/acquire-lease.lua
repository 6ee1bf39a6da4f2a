--[[
  Takes the lease on a run's thread, unless another owner has it. Safe to send again: the same owner gets the same lease.

  Keys:
    leaseKey  '<owner> <fence>'
    fenceKey  the newest fence
  Arguments:
    owner     unique to this lease, without spaces
    ttlMs     how long the lease lasts, in milliseconds
  Returns: the fence of the lease, greater than any before; 0 if another owner has it.
]]
local leaseKey = KEYS[1]
local fenceKey = KEYS[2]
local owner = ARGV[1]
local ttlMs = ARGV[2]

local held = redis.call('get', leaseKey)
if held then
  local heldBy, fence = string.match(held, '^(%S+) (%d+)$')
  if heldBy == owner then return tonumber(fence) end
  return 0
end
local fence = redis.call('incr', fenceKey)
redis.call('set', leaseKey, owner .. ' ' .. fence, 'PX', ttlMs)
return fence
