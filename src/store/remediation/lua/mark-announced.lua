--[[
  Notes that a remediation's card is up to date, unless the remediation has moved on.

  Keys:
    recordKey  hash of the remediation: rev, state and record
    untoldKey  sorted set: ids of remediations whose card is out of date, by the time of the move
  Arguments:
    id         of the remediation
    revision   the revision that the card shows
  Returns: 1, or 0 if nothing changed.
]]
local recordKey = KEYS[1]
local untoldKey = KEYS[2]
local id = ARGV[1]
local revision = ARGV[2]

if redis.call('hget', recordKey, 'rev') == revision then return redis.call('zrem', untoldKey, id) end
return 0
