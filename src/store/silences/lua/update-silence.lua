--[[
  Changes what is stored of a silence, by compare-and-set. Safe to send again.

  Keys:
    silencesKey  hash: silence id -> JSON of the silence
  Arguments:
    id           of the silence
    expected     JSON of the silence that the change was decided on
    silence      JSON
  Returns: 1, or 0 if the silence is another than expected or has ended.
]]
local silencesKey = KEYS[1]
local id = ARGV[1]
local expected = ARGV[2]
local silence = ARGV[3]

local stored = redis.call('hget', silencesKey, id)
if stored == silence then return 1 end
if stored ~= expected then return 0 end
redis.call('hset', silencesKey, id, silence)
return 1
