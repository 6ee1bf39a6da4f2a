--[[
  Ends the claim on a finding that is gone, unless it was taken later. Where another finding has replaced it, the claim becomes a claim on
  that one, unless it has one already.

  Keys:
    claimKey          when it was taken, in milliseconds of the epoch, and the claim
    ...successorKeys  the claim on the finding that has replaced it, or none
  Arguments:
    takenBeforeMs     end it if it was taken before this, in milliseconds of the epoch
  Returns: 1, or 0 if the claim is kept or there is none.
]]
local claimKey = KEYS[1]
local successorKeys = {} for at = 2, #KEYS do successorKeys[#successorKeys + 1] = KEYS[at] end
local takenBeforeMs = tonumber(ARGV[1])

-- @include "../../lua/includes/now.lua"

local takenMs = tonumber(string.match(redis.call('get', claimKey) or '', '^(%d+)\n'))
-- A claim in the future was dated by a clock that was wrong.
if not takenMs or (takenMs >= takenBeforeMs and takenMs <= now()) then return 0 end
for _, successorKey in ipairs(successorKeys) do redis.call('renamenx', claimKey, successorKey) end
redis.call('del', claimKey)
return 1
