--[[
  Records that a part of a thread is about to be posted, and renews the lease.

  Keys:
    leaseKey    '<owner> <fence>'
    threadKey   hash of the run's thread: part -> where it is, or `maybe`
  Arguments:
    holder      '<owner> <fence>' of the lease that was taken
    leaseTtlMs  how long the lease lasts from now on, in milliseconds
    part        the part
    ttlSeconds  how long the thread is kept from now on
    maybe       value of a part that may or may not be posted
  Returns: 1, or 0 if the lease is lost or the part is posted already.
]]
local leaseKey = KEYS[1]
local threadKey = KEYS[2]
local holder = ARGV[1]
local leaseTtlMs = ARGV[2]
local part = ARGV[3]
local ttlSeconds = ARGV[4]
local maybe = ARGV[5]

if redis.call('get', leaseKey) ~= holder then return 0 end
redis.call('pexpire', leaseKey, leaseTtlMs)
local where = redis.call('hget', threadKey, part)
if where and where ~= maybe then return 0 end
redis.call('hset', threadKey, part, maybe)
redis.call('expire', threadKey, ttlSeconds)
return 1
