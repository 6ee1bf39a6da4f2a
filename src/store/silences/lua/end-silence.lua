--[[
  Ends a silence, with an audit entry. One that ended automatically is remembered for a while.

  Keys:
    headKey      hash: seq and hash of the last audit entry
    streamKey    stream of audit entries
    silencesKey  hash: silence id -> JSON of the silence
    endedKey     sorted set: JSON of silences that ended by themselves, by the time of that, in milliseconds of the epoch
  Arguments:
    prevHash     hash of the entry before
    hash         hash of the entry
    seq          number of the entry
    entry        JSON
    id           of the silence
    expected     JSON of the silence that the end was decided on, or '' for any
    ended        JSON: what is remembered, or '' for nothing
    keepMs       how long it is remembered, in milliseconds
    maxEnded     how many are remembered; the oldest are removed first
  Returns: `ok`, also if the entry is in the chain already; or `head <seq> <hash>` if the chain has another head;
    `changed` if the silence is another than expected; `none` if there is none.
]]
local headKey = KEYS[1]
local streamKey = KEYS[2]
local silencesKey = KEYS[3]
local endedKey = KEYS[4]
local prevHash = ARGV[1]
local hash = ARGV[2]
local seq = ARGV[3]
local entry = ARGV[4]
local id = ARGV[5]
local expected = ARGV[6]
local ended = ARGV[7]
local keepMs = tonumber(ARGV[8])
local maxEnded = tonumber(ARGV[9])

-- @include "../../audit/lua/includes/append-to-chain.lua"
-- @include "../../lua/includes/now.lua"

if isInChain(headKey, streamKey, seq, hash) then return 'ok' end
local silence = redis.call('hget', silencesKey, id)
if not silence then return 'none' end
if expected ~= '' and silence ~= expected then return 'changed' end

local answer = appendToChain(headKey, streamKey, prevHash, hash, seq, entry)
if answer ~= 'ok' then return answer end
redis.call('hdel', silencesKey, id)
if ended ~= '' then
  local nowMs = now()
  redis.call('zadd', endedKey, nowMs, ended)
  redis.call('zremrangebyscore', endedKey, '-inf', nowMs - keepMs)
  redis.call('zremrangebyrank', endedKey, 0, -maxEnded - 1)
  redis.call('pexpire', endedKey, keepMs)
end
return 'ok'
