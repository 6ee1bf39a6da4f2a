--[[
  Adds a silence, with an audit entry. It may replace others.

  Keys:
    headKey      hash: seq and hash of the last audit entry
    streamKey    stream of audit entries
    silencesKey  hash: silence id -> JSON of the silence
  Arguments:
    prevHash     hash of the entry before
    hash         hash of the entry
    seq          number of the entry
    entry        JSON
    id           of the silence
    silence      JSON
    replacedIds  JSON: list of the ids of the silences that it replaces
    max          silences kept
  Returns: `ok`, also if the entry is in the chain already; or `head <seq> <hash>` if the chain has another head;
    `full` if there are too many silences.
]]
local headKey = KEYS[1]
local streamKey = KEYS[2]
local silencesKey = KEYS[3]
local prevHash = ARGV[1]
local hash = ARGV[2]
local seq = ARGV[3]
local entry = ARGV[4]
local id = ARGV[5]
local silence = ARGV[6]
local replacedIds = ARGV[7]
local max = tonumber(ARGV[8])

-- @include "../../audit/lua/includes/append-to-chain.lua"

if isInChain(headKey, streamKey, seq, hash) then return 'ok' end
local replaced = {}
for _, replacedId in ipairs(cjson.decode(replacedIds)) do
  if redis.call('hexists', silencesKey, replacedId) == 1 then table.insert(replaced, replacedId) end
end
if redis.call('hlen', silencesKey) - #replaced >= max then return 'full' end

local answer = appendToChain(headKey, streamKey, prevHash, hash, seq, entry)
if answer ~= 'ok' then return answer end
for _, replacedId in ipairs(replaced) do redis.call('hdel', silencesKey, replacedId) end
redis.call('hset', silencesKey, id, silence)
return 'ok'
