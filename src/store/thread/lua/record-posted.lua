--[[
  Records where a part of a thread was posted, and what it shows if that is known. If it was posted twice, the first location is kept.

  Keys:
    threadKey   hash of the run's thread: part -> where it is, or `maybe`
  Arguments:
    part        the part
    where       '<channel id> <ts>' of its message
    ttlSeconds  how long the thread is kept from now on
    maybe       value of a part that may or may not be posted
    showsField  field for what the message shows, or '' if that is unknown
    content     what the message shows
  Returns: 1, or 0 if the part was posted already.
]]
local threadKey = KEYS[1]
local part = ARGV[1]
local where = ARGV[2]
local ttlSeconds = ARGV[3]
local maybe = ARGV[4]
local showsField = ARGV[5]
local content = ARGV[6]

local before = redis.call('hget', threadKey, part)
if before and before ~= maybe then return 0 end
redis.call('hset', threadKey, part, where)
if showsField ~= '' then redis.call('hset', threadKey, showsField, content) end
return redis.call('expire', threadKey, ttlSeconds)
