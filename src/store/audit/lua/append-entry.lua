--[[
  Appends an entry to the audit chain.

  Keys:
    headKey    hash: seq and hash of the last audit entry
    streamKey  stream of audit entries
  Arguments:
    prevHash   hash of the entry before
    hash       hash of the entry
    seq        number of the entry
    entry      JSON
  Returns: `ok`, also if the entry is in the chain already; or `head <seq> <hash>` if the chain has another head.
]]
local headKey = KEYS[1]
local streamKey = KEYS[2]
local prevHash = ARGV[1]
local hash = ARGV[2]
local seq = ARGV[3]
local entry = ARGV[4]

-- @include "includes/append-to-chain.lua"

if isInChain(headKey, streamKey, seq, hash) then return 'ok' end
return appendToChain(headKey, streamKey, prevHash, hash, seq, entry)
