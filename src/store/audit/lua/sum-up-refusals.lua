--[[
  Appends the sum of a window that has ended, and forgets the window.

  Keys:
    headKey    hash: seq and hash of the last audit entry
    streamKey  stream of audit entries
    countsKey  hash: user id -> refusals in the window
    endsKey    sorted set: user ids by the end of the window, in milliseconds of the epoch
  Arguments:
    prevHash   hash of the entry before
    hash       hash of the entry
    seq        number of the entry
    entry      JSON
    userId     the person
    count      refusals that the entry is about
  Returns: `ok`, also if the entry is in the chain already; or `head <seq> <hash>` if the chain has another head;
    `summed` if the window was summed up already, has not ended, or has another count.
]]
local headKey = KEYS[1]
local streamKey = KEYS[2]
local countsKey = KEYS[3]
local endsKey = KEYS[4]
local prevHash = ARGV[1]
local hash = ARGV[2]
local seq = ARGV[3]
local entry = ARGV[4]
local userId = ARGV[5]
local count = ARGV[6]

-- @include "includes/append-to-chain.lua"
-- @include "../../lua/includes/now.lua"

if isInChain(headKey, streamKey, seq, hash) then return 'ok' end

local nowMs = now()
local endsMs = redis.call('zscore', endsKey, userId)
if not endsMs or tonumber(endsMs) > nowMs or redis.call('hget', countsKey, userId) ~= count then return 'summed' end

local answer = appendToChain(headKey, streamKey, prevHash, hash, seq, entry)
if answer ~= 'ok' then return answer end
redis.call('zrem', endsKey, userId)
redis.call('hdel', countsKey, userId)
return 'ok'
