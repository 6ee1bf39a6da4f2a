--[[
  Frees the lease on a run's thread, unless it is lost.

  Keys:
    leaseKey  '<owner> <fence>'
  Arguments:
    holder    '<owner> <fence>' of the lease that was taken
  Returns: 1, or 0 if the lease is lost.
]]
local leaseKey = KEYS[1]
local holder = ARGV[1]

if redis.call('get', leaseKey) ~= holder then return 0 end
return redis.call('del', leaseKey)
