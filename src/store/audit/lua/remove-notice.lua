--[[
  Removes a notice that was posted, unless another has replaced it.

  Keys:
    noticesKey  hash: copy id -> notice that is still to be posted
  Arguments:
    copyId      the copy
    notice      the notice that was posted
  Returns: nothing.
]]
local noticesKey = KEYS[1]
local copyId = ARGV[1]
local notice = ARGV[2]

if redis.call('hget', noticesKey, copyId) == notice then redis.call('hdel', noticesKey, copyId) end
