--[[
  Renews the lease on a run's thread.

  Keys:
    leaseKey  '<owner> <fence>'
  Arguments:
    holder    '<owner> <fence>' of the lease that was taken
    ttlMs     how long the lease lasts from now on, in milliseconds
  Returns: 1, or 0 if the lease is lost.
]]
local leaseKey = KEYS[1]
local holder = ARGV[1]
local ttlMs = ARGV[2]

if redis.call('get', leaseKey) ~= holder then return 0 end
return redis.call('pexpire', leaseKey, ttlMs)
