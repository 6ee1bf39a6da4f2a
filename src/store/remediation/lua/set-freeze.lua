--[[
  Freezes all remediations, with an audit entry. An earlier freeze is kept.

  Keys:
    headKey    hash: seq and hash of the last audit entry
    streamKey  stream of audit entries
    freezeKey  exists while remediations are frozen
  Arguments:
    prevHash   hash of the entry before
    hash       hash of the entry
    seq        number of the entry
    entry      JSON
    frozen     JSON: who froze them, when and why
  Returns: `ok`, also if the entry is in the chain already; or `head <seq> <hash>` if the chain has another head;
    `frozen` if they are frozen already.
]]
local headKey = KEYS[1]
local streamKey = KEYS[2]
local freezeKey = KEYS[3]
local prevHash = ARGV[1]
local hash = ARGV[2]
local seq = ARGV[3]
local entry = ARGV[4]
local frozen = ARGV[5]

-- @include "../../audit/lua/includes/append-to-chain.lua"

if isInChain(headKey, streamKey, seq, hash) then return 'ok' end
if redis.call('exists', freezeKey) == 1 then return 'frozen' end

local answer = appendToChain(headKey, streamKey, prevHash, hash, seq, entry)
if answer == 'ok' then redis.call('set', freezeKey, frozen) end
return answer
