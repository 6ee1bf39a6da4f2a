--[[
  Replaces the claim on a finding. Safe to send again.

  Keys:
    claimKey  three lines: when it was taken, in milliseconds of the epoch; JSON of the claim; JSON of the one that it replaced, or nothing
  Arguments:
    claim     JSON
    keepMs    how long to keep it, in milliseconds
  Returns: JSON of the claim that it replaces, or '' for none.
]]
local claimKey = KEYS[1]
local claim = ARGV[1]
local keepMs = ARGV[2]

-- @include "../../lua/includes/now.lua"

local before, replaced = string.match(redis.call('get', claimKey) or '', '^%d+\n([^\n]*)\n([^\n]*)$')
if before == claim then return replaced end
redis.call('set', claimKey, string.format('%d\n%s\n%s', now(), claim, before or ''), 'px', keepMs)
return before or ''
