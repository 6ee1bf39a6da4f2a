--[[
  Saves a text of a thread unless a later one is saved.

  Keys:
    threadKey   hash of the run's thread
  Arguments:
    field       field for the text
    atField     field for its time
    atMs        when the text became true, in milliseconds since the epoch
    text        the text
    ttlSeconds  how long the thread is kept from now on
  Returns: the text that is saved now.
]]
local threadKey = KEYS[1]
local field = ARGV[1]
local atField = ARGV[2]
local atMs = ARGV[3]
local text = ARGV[4]
local ttlSeconds = ARGV[5]

local before = tonumber(redis.call('hget', threadKey, atField) or '-1')
if tonumber(atMs) >= before then
  redis.call('hset', threadKey, field, text, atField, atMs)
end
redis.call('expire', threadKey, ttlSeconds)
return redis.call('hget', threadKey, field)
