--[[
  Records that Slack refused a part of a thread, so that it may be posted again.

  Keys:
    threadKey  hash of the run's thread: part -> where it is, or `maybe`
  Arguments:
    part       the part
    maybe      value of a part that may or may not be posted
  Returns: 1, or 0 if the part was not about to be posted.
]]
local threadKey = KEYS[1]
local part = ARGV[1]
local maybe = ARGV[2]

if redis.call('hget', threadKey, part) ~= maybe then return 0 end
return redis.call('hdel', threadKey, part)
