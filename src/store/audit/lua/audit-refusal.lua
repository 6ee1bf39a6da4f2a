--[[
  Audits a refusal, or counts it once enough refusals of the person are audited in this window.
  A window begins with a person's first refusal and ends by Redis' clock.

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
    audited    refusals of a person that are audited one by one in a window
    windowMs   length of a window, in milliseconds
  Returns: `ok`, also if the entry is in the chain already; or `head <seq> <hash>` if the chain has another head;
    `counted <count>` if the refusal was only counted; `ended` if a window that has ended must be summed up first.
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
local audited = tonumber(ARGV[6])
local windowMs = tonumber(ARGV[7])

-- @include "includes/append-to-chain.lua"
-- @include "../../lua/includes/now.lua"

if isInChain(headKey, streamKey, seq, hash) then return 'ok' end

local nowMs = now()
local endsMs = redis.call('zscore', endsKey, userId)
local count = tonumber(redis.call('hget', countsKey, userId) or '0')
if endsMs and tonumber(endsMs) <= nowMs then
  if count > audited then return 'ended' end
  redis.call('zrem', endsKey, userId)
  redis.call('hdel', countsKey, userId)
  count = 0
end
if count >= audited then return 'counted ' .. redis.call('hincrby', countsKey, userId, 1) end

local answer = appendToChain(headKey, streamKey, prevHash, hash, seq, entry)
if answer ~= 'ok' then return answer end
if count == 0 then redis.call('zadd', endsKey, nowMs + windowMs, userId) end
redis.call('hincrby', countsKey, userId, 1)
return 'ok'
