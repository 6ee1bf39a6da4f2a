--[[
  Counts a delivery of a person in a window that begins with the first one. The same id keeps its number.

  Keys:
    windowKey  hash of the person: delivery id -> its number
  Arguments:
    id         of the delivery
    limit      deliveries allowed in a window; one more than that is stored
    windowMs   length of a window, in milliseconds
  Returns: the number of the delivery, from 1; limit + 2 for one that is not stored.
]]
local windowKey = KEYS[1]
local id = ARGV[1]
local limit = tonumber(ARGV[2])
local windowMs = ARGV[3]

local known = redis.call('hget', windowKey, id)
if known then return tonumber(known) end
local number = redis.call('hlen', windowKey) + 1
if number > limit + 1 then return limit + 2 end
redis.call('hset', windowKey, id, number)
if number == 1 then redis.call('pexpire', windowKey, windowMs) end
return number
