--[[
  Ends the freeze of all remediations, with an audit entry.

  Keys:
    headKey    hash: seq and hash of the last audit entry
    streamKey  stream of audit entries
    freezeKey  exists while remediations are frozen
  Arguments:
    prevHash   hash of the entry before
    hash       hash of the entry
    seq        number of the entry
    entry      JSON
  Returns: `ok`, also if the entry is in the chain already; or `head <seq> <hash>` if the chain has another head;
    `thawed` if they are not frozen.
]]
local headKey = KEYS[1]
local streamKey = KEYS[2]
local freezeKey = KEYS[3]
local prevHash = ARGV[1]
local hash = ARGV[2]
local seq = ARGV[3]
local entry = ARGV[4]

-- @include "../../audit/lua/includes/append-to-chain.lua"

if isInChain(headKey, streamKey, seq, hash) then return 'ok' end
if redis.call('exists', freezeKey) == 0 then return 'thawed' end

local answer = appendToChain(headKey, streamKey, prevHash, hash, seq, entry)
if answer == 'ok' then redis.call('del', freezeKey) end
return answer
