--[[
  Saves the state of a copy of the audit. A copy that has stopped since its last state leaves one notice, and copies that stop for the
  same reason within a while leave one notice together.

  Keys:
    statesKey     hash: copy id -> state
    noticesKey    hash: copy id -> notice that is still to be posted
    reasonKey     exists while the reason in this notice counts as the same
  Arguments:
    copyId        the copy
    state         JSON object with at least one field
    notice        JSON, or '' if the copy has not stopped
    sameReasonMs  how long a reason counts as the same, in milliseconds
  Returns: nothing.
]]
local statesKey = KEYS[1]
local noticesKey = KEYS[2]
local reasonKey = KEYS[3]
local copyId = ARGV[1]
local state = ARGV[2]
local notice = ARGV[3]
local sameReasonMs = ARGV[4]

local before = redis.call('hget', statesKey, copyId)
local wasNoticed = before and cjson.decode(before).noticed
if notice == '' then
  redis.call('hset', statesKey, copyId, state)
  return
end
redis.call('hset', statesKey, copyId, '{"noticed":true,' .. string.sub(state, 2))
if wasNoticed or not redis.call('set', reasonKey, '1', 'NX', 'PX', sameReasonMs) then return end
redis.call('hset', noticesKey, copyId, notice)
