--[[
  Notes that the card of a remediation shows a revision, unless there is a newer one.

  Keys:
    recordKey       hash of the remediation: rev, state and record
    cardPendingKey  sorted set: ids of remediations whose card is out of date, by the time of the change
  Arguments:
    id              of the remediation
    revision        the revision that the card shows
  Returns: 1, or 0 if nothing changed.
]]
local recordKey = KEYS[1]
local cardPendingKey = KEYS[2]
local id = ARGV[1]
local revision = ARGV[2]

if redis.call('hget', recordKey, 'rev') == revision then return redis.call('zrem', cardPendingKey, id) end
return 0
